//! Charts: `plotters` draws them, the page's style colours them.
//!
//! Law: lines differ by their dash and the name next to them, never by colour alone.

use std::ops::Range;

use chrono::TimeDelta;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::Serialize;

use super::colors::ClassColors;
use super::labels::{decade, moment, percent, spread};
use crate::model::{EventTime, Span};

/// Why a chart cannot be drawn.
pub(super) type DrawError =
    DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>;

/// What plotters draws on: whole numbers, so a tenth of a pixel each, or slow lines get steps.
type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Units of the canvas in a pixel; the page's style counts in them too.
const PX: u32 = 10;
/// What plotters calls 12.5 pixels; the page's style says it again.
const TEXT: (&str, u32) = ("sans-serif", 155);

/// A chart to draw; lengths are in pixels.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) id: String,
    pub(super) title: String,
    /// A description for people who cannot see it.
    pub(super) describes: String,
    pub(super) lines: Vec<ChartLine>,
    pub(super) scale: Scale,
    /// A horizontal line at a value, with its name.
    pub(super) limit: Option<(f64, String)>,
    /// A stretch of time that is shaded, with its name.
    pub(super) band: Option<(EventTime, EventTime, String)>,
    pub(super) x: (EventTime, EventTime),
    pub(super) height: u32,
    /// Room for names next to the lines.
    pub(super) right: u32,
}

/// One line of a plot.
#[derive(Debug, Clone)]
pub(super) struct ChartLine {
    pub(super) name: String,
    /// Its looks, a class of the page's style.
    pub(super) class: &'static str,
    pub(super) points: Vec<(EventTime, f64)>,
}

/// How values become heights.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    /// Shares, from the smallest to the largest.
    Share(f64, f64),
    /// Decades.
    Log(f64, f64),
}

/// A plot as the page takes it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chart {
    id: String,
    title: String,
    describes: String,
    width: u32,
    height: u32,
    /// Elements of SVG, and the end of their `svg`; texts in them are escaped.
    body: String,
}

impl Plot {
    /// The plot at a width in pixels.
    ///
    /// # Errors
    /// plotters cannot draw it.
    pub(super) fn at(&self, width: u32, suffix: &str) -> Result<Chart, DrawError> {
        let (width, height) = (width * PX, self.height * PX);
        let (mut svg, mut inks) = (String::new(), ClassColors::default());
        let canvas = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        match self.scale {
            Scale::Share(low, high) => self.draw(&canvas, &mut inks, low..high, &percent)?,
            Scale::Log(low, high) => {
                self.draw(&canvas, &mut inks, (low..high).log_scale(), &decade)?;
            }
        }
        canvas.present()?;
        drop(canvas);
        Ok(Chart {
            id: format!("{}-{suffix}", self.id),
            title: self.title.clone(),
            describes: self.describes.clone(),
            width,
            height,
            body: inks.paint(&svg),
        })
    }

    fn draw<Y>(
        &self,
        canvas: &Canvas<'_>,
        inks: &mut ClassColors,
        y: Y,
        label: &dyn Fn(&f64) -> String,
    ) -> Result<(), DrawError>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        // Time since the midnight before it all, so that marks of days stand at midnight.
        let origin = self.x.0.floor(Span::from_s(86_400));
        let x = |at: EventTime| TimeDelta::milliseconds((at - origin).as_ms());
        let (from, to) = (x(self.x.0), x(self.x.1).max(x(self.x.0) + TimeDelta::milliseconds(1)));
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(20 * PX)
            .margin_right(self.right * PX)
            .x_label_area_size(24 * PX)
            .y_label_area_size(46 * PX)
            .build_cartesian_2d(from..to, y)?;
        let (across, down) = chart.plotting_area().get_pixel_range();
        let is_long = to - from > TimeDelta::days(400);
        chart
            .configure_mesh()
            .disable_mesh()
            .disable_y_axis()
            .x_labels((across.len() / if is_long { 800 } else { 500 }).max(2))
            .x_label_formatter(&|since| moment(origin.as_ms() + since.num_milliseconds(), is_long))
            .label_style(TEXT)
            .axis_style(inks.of("axis"))
            .set_tick_mark_size(LabelAreaPosition::Bottom, 40)
            .draw()?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .y_labels(6)
            .y_label_formatter(label)
            .label_style(TEXT)
            .axis_style(TRANSPARENT)
            .light_line_style(TRANSPARENT)
            .bold_line_style(inks.of("grid"))
            .set_tick_mark_size(LabelAreaPosition::Left, 30)
            .draw()?;
        let range = chart.y_range();
        self.fill(canvas, inks, (across, down), &|when, value| {
            chart.backend_coord(&(x(when).clamp(from, to), value.clamp(range.start, range.end)))
        })
    }

    /// What is drawn between the axes, and right of them.
    fn fill(
        &self,
        canvas: &Canvas<'_>,
        inks: &mut ClassColors,
        (across, down): (Range<i32>, Range<i32>),
        at: &dyn Fn(EventTime, f64) -> (i32, i32),
    ) -> Result<(), DrawError> {
        let text = |ink: RGBColor, h, v| TextStyle {
            color: ink.to_backend_color(),
            ..TextStyle::from(TEXT).pos(Pos::new(h, v))
        };
        if let Some((from, to, name)) = &self.band {
            let (start, end) = (at(*from, 1.0).0, at(*to, 1.0).0);
            let corners = [(start, down.start), (end.max(start + 20), down.end)];
            canvas.draw(&Rectangle::new(corners, inks.of("band").filled()))?;
            // The name is left of it if it is near the right edge.
            let far = start > (across.start + across.end) / 2;
            let (side, place) =
                if far { (HPos::Right, start - 40) } else { (HPos::Left, end + 40) };
            let style = text(inks.of("note"), side, VPos::Bottom);
            canvas.draw_text(name, &style, (place, down.start - 30))?;
        }
        let mut names = Vec::new();
        for line in &self.lines {
            let points: Vec<_> = line.points.iter().map(|(when, v)| at(*when, *v)).collect();
            names.extend(points.last().map(|last| (last.1, line)));
            canvas.draw(&PathElement::new(points, inks.of(&format!("line {}", line.class))))?;
        }
        if let Some((value, name)) = &self.limit {
            let height = at(self.x.0, *value).1;
            let ends = [(across.start, height), (across.end, height)];
            canvas.draw(&PathElement::new(ends, inks.of("limit")))?;
            let style = text(inks.of("note"), HPos::Left, VPos::Bottom);
            canvas.draw_text(name, &style, (across.start + 40, height - 20))?;
        }
        names.retain(|(_, line)| !line.name.is_empty());
        spread(&mut names, down.start, down.end);
        for (height, line) in names {
            let ink = inks.of(&format!("name {}", line.class));
            let style = text(ink, HPos::Left, VPos::Center);
            canvas.draw_text(&line.name, &style, (across.end + 50, height))?;
        }
        Ok(())
    }
}

impl Scale {
    /// Logarithmic, around these values.
    pub(super) fn decades(values: impl Iterator<Item = f64>, least: f64) -> Self {
        let most = values.filter(|v| v.is_finite()).fold(least * 10.0, f64::max).min(1e300);
        let mut high = least;
        while high < most {
            high *= 10.0;
        }
        // A little more on both sides, so that rounding loses no decade at an end.
        Self::Log(least.max(high / 1e9) * 0.999, high * 1.001)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(from: &str, to: &str, scale: Scale) -> Plot {
        let at = |text: &str| text.parse::<EventTime>().unwrap();
        let x = (at(from), at(to));
        let points = vec![(x.0, 0.7), (x.1, 0.9)];
        Plot {
            id: "one".into(),
            title: "t".into(),
            describes: "d".into(),
            lines: vec![ChartLine { name: "<v\"2'&>".into(), class: "subject", points }],
            scale,
            limit: Some((0.8, "threshold".into())),
            band: Some((x.0, x.1, "breach to rollback".into())),
            x,
            height: 280,
            right: 58,
        }
    }

    /// The text between tags.
    fn texts(plot: &Plot) -> Vec<String> {
        let body = plot.at(600, "wide").unwrap().body;
        let lines = body.lines().filter(|line| !line.starts_with('<') && !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        let shares = Scale::Share(0.6, 1.0);
        let month = texts(&plot("2013-06-01T03:00:00Z", "2013-07-01T00:00:00Z", shares));
        let days = month.iter().filter(|text| text.ends_with(" Jun")).count();
        assert!((3..=6).contains(&days), "{month:?}");
        let all = ["60 %", "70 %", "80 %", "90 %", "100 %"];
        assert!(all.iter().all(|share| month.iter().any(|text| text == share)), "{month:?}");
        let decades = Scale::decades([90.0].into_iter(), 0.01);
        let day = texts(&plot("2013-06-01T03:00:00Z", "2013-06-02T09:00:00Z", decades));
        assert!(day.iter().any(|text| text == "2 Jun"), "{day:?}");
        assert!(day.iter().any(|text| text.ends_with(":00")), "{day:?}");
        let all = ["0.01", "0.1", "1", "10", "100"];
        assert!(all.iter().all(|decade| day.iter().any(|text| text == decade)), "{day:?}");
    }

    #[test]
    fn the_pages_style_alone_says_how_it_looks() {
        let plot = plot("2013-06-01T03:00:00Z", "2013-07-01T00:00:00Z", Scale::Share(0.6, 1.0));
        let body = plot.at(600, "wide").unwrap().body;
        let classes = ["axis", "grid", "band", "note", "limit", "line subject", "name subject"];
        for class in classes {
            assert!(body.contains(&format!(" class=\"{class}\"")), "{class}: {body}");
        }
        let looks = ["fill=", "stroke", "font", "opacity", "style", "#0", "<svg", "http"];
        for look in looks {
            assert!(!body.contains(look), "{look}: {body}");
        }
        assert!(body.ends_with("</svg>\n"), "{body}");
        assert!(body.contains("&lt;v&quot;2&apos;&amp;&gt;"), "names are no markup: {body}");
        assert_eq!(body, plot.at(600, "wide").unwrap().body, "the same bytes again");
    }
}
