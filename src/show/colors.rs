//! Colours that stand for classes: plotters knows colours only, and the page's style must have the
//! last word, in the light, in the dark and in print.

use plotters::style::RGBColor;

/// Colours that stand for classes of the page's style while plotters draws.
#[derive(Debug, Default)]
pub(super) struct ClassColors(Vec<String>);

impl ClassColors {
    /// The colour of a class.
    pub(super) fn of(&mut self, class: &str) -> RGBColor {
        self.0.push(class.to_owned());
        let [high, low] = (self.0.len() as u16).to_be_bytes();
        RGBColor(0, high, low)
    }

    /// What is inside the `svg`, and its end, with classes for colours and no looks of its own.
    pub(super) fn paint(&self, svg: &str) -> String {
        let mut body = svg.split_once('\n').map_or("", |(_, body)| body).to_owned();
        let looks = ["fill=\"none\"", "fill=\"#000000\"", "stroke=\"none\"", "stroke-width=\"1\""];
        let texts = ["opacity=\"1\"", "font-family=\"sans-serif\"", "font-size=\"125\""];
        for look in looks.iter().chain(&texts) {
            body = body.replace(&format!(" {look}"), "");
        }
        for (before, class) in self.0.iter().enumerate() {
            for kind in ["fill", "stroke"] {
                let colour = format!("{kind}=\"#{:06X}\"", before + 1);
                body = body.replace(&colour, &format!("class=\"{class}\""));
            }
        }
        body
    }
}
