//! Writes JSON as it was read, and lays out what is new like what is around it.

use super::{JsonMember, JsonMembers, JsonText, LiteralJson};

/// The layout around a value.
#[derive(Clone, Copy)]
struct Layout<'a> {
    /// The white space before the member that holds it.
    lead: &'a str,
    colon: &'a str,
    indent: &'a str,
}

impl JsonText {
    pub(in crate::targets::registry) fn write(&self) -> String {
        let mut out = self.before.clone();
        let lead = if self.indent.is_empty() { "" } else { "\n" };
        write(&self.root, Layout { lead, colon: ": ", indent: &self.indent }, &mut out);
        out + &self.after
    }
}

fn write(value: &LiteralJson, around: Layout<'_>, out: &mut String) {
    match value {
        LiteralJson::Null => out.push_str("null"),
        LiteralJson::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        LiteralJson::Number(number) => out.push_str(number),
        LiteralJson::Text(text) => out.push_str(&text.written),
        LiteralJson::List(list) => members(list, ['[', ']'], around, out),
        LiteralJson::Object(object) => members(object, ['{', '}'], around, out),
    }
}

fn members(of: &JsonMembers, [open, close]: [char; 2], around: Layout<'_>, out: &mut String) {
    let colons = of.all.iter().rev().filter_map(|member| member.colon.as_deref());
    let colon = colons.chain([around.colon]).next().unwrap_or_default();
    let leads = leads(&of.all, around, colon.ends_with(' '));
    out.push(open);
    for (index, member) in of.all.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let lead = member.lead.as_ref().unwrap_or(if index == 0 { &leads.0 } else { &leads.1 });
        out.push_str(lead);
        let colon = member.colon.as_deref().unwrap_or(colon);
        if let Some(name) = &member.name {
            out.push_str(&name.written);
            out.push_str(colon);
        }
        write(&member.value, Layout { lead, colon, ..around }, out);
        out.push_str(&member.after);
    }
    let broken = !of.all.is_empty() && around.lead.contains('\n');
    out.push_str(of.end.as_deref().unwrap_or(if broken { line_of(around.lead) } else { "" }));
    out.push(close);
}

/// The white space before a new member: if it is the first, and if it is a later one.
fn leads(all: &[JsonMember], around: Layout<'_>, spaced: bool) -> (String, String) {
    let written: Vec<_> = all.iter().filter_map(|member| member.lead.as_deref()).collect();
    let space = if spaced { " " } else { "" };
    let (first, later) = match written.as_slice() {
        [] if around.lead.contains('\n') => {
            let line = format!("{}{}", line_of(around.lead), around.indent);
            (line.clone(), line)
        }
        [only] if only.contains('\n') => (String::new(), line_of(only).to_owned()),
        [] | [_] => (String::new(), space.to_owned()),
        [.., last] => (String::new(), line_of(last).to_owned()),
    };
    (first, later)
}

/// The last line break in some white space, and what follows it; without one, all of it.
fn line_of(space: &str) -> &str {
    let Some(feed) = space.rfind('\n') else { return space };
    let before = space.get(..feed).unwrap_or_default();
    let start = if before.ends_with('\r') { feed - 1 } else { feed };
    space.get(start..).unwrap_or_default()
}
