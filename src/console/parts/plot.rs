//! Small plots, drawn as SVG.

use maud::{Markup, html};

const WIDTH: u64 = 320;
const HEIGHT: u64 = 72;

/// Line over time with its highest value. `label` describes the plot to screen readers.
pub(in crate::console) fn line(values: &[f64], label: &str) -> Markup {
    let most = values.iter().copied().fold(0.0, f64::max);
    let scale = if most > 0.0 { (HEIGHT - 8) as f64 / most } else { 0.0 };
    let step = WIDTH as f64 / (values.len().saturating_sub(1)).max(1) as f64;
    let point = |(at, value): (usize, &f64)| {
        format!("{:.1},{:.1}", at as f64 * step, HEIGHT as f64 - 2.0 - value * scale)
    };
    let points: Vec<_> = values.iter().enumerate().map(point).collect();
    html! {
        svg.plot role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) {
            line.axis x1="0" y1=(HEIGHT - 1) x2=(WIDTH) y2=(HEIGHT - 1) {}
            polyline.curve points=(points.join(" ")) fill="none" {}
        }
    }
}

/// Bars beside their labels. The longest bar has the full width.
pub(in crate::console) fn bars(rows: &[(String, u64)], label: &str) -> Markup {
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let width = |count: u64| (count.saturating_mul(136) / most).max(u64::from(count > 0));
    html! {
        svg.plot role="img" aria-label=(label) viewBox={ "0 0 320 " (rows.len() * 20) } width=(WIDTH) height=(rows.len() * 20) {
            @for (at, (name, count)) in rows.iter().enumerate() {
                text x="0" y=(at * 20 + 14) { (name) }
                rect.bar x="136" y=(at * 20 + 4) width=(width(*count)) height="12" {}
                text x=(142 + width(*count)) y=(at * 20 + 14) { (count) }
            }
        }
    }
}

/// One bar of parts, each of its own class.
pub(in crate::console) fn stacked(parts: &[(&str, u64)], label: &str) -> Markup {
    let all = parts.iter().map(|(_, count)| count).sum::<u64>().max(1);
    let mut from = 0;
    let mut spans = Vec::new();
    for (class, count) in parts {
        let width = count.saturating_mul(200) / all;
        spans.push((*class, from, width.max(u64::from(*count > 0))));
        from += width;
    }
    html! {
        svg.plot role="img" aria-label=(label) viewBox="0 0 202 12" width="202" height="12" {
            @for (class, from, width) in spans { rect class=(class) x=(from) y="0" width=(width) height="12" {} }
        }
    }
}
