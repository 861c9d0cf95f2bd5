//! A picture at the end of a bulk request: check-ins over time, and outcomes per platform.

use std::collections::BTreeMap;
use std::sync::Once;

use jiff::Timestamp;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::cards::ended_word;
use crate::store::{BulkRow, Outcome, OutcomeWord};

/// Size in pixels: wide enough for a chat, small enough for a phone.
const SIZE: (u32, u32) = (1_000, 420);

/// Behind everything: Discord's dark grey, which is calm on a light page too.
const GROUND: RGBColor = RGBColor(0x2b, 0x2d, 0x31);

/// Words and axes.
const INK: RGBColor = RGBColor(0xdb, 0xde, 0xe1);

/// Lines behind the curve.
const FAINT: RGBColor = RGBColor(0x46, 0x48, 0x4e);

/// The bytes of a font are registered under this name.
const FONT: &str = "picture";

/// Platforms that have a bar; the rest is one bar of its own.
const BARS: usize = 6;

/// The picture could not be drawn; the words stand without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture could not be drawn: {0}")]
pub(super) struct NotDrawn(&'static str);

fn colour(word: OutcomeWord) -> RGBColor {
    match word {
        OutcomeWord::CheckedIn => RGBColor(0x2e, 0xa0, 0x43),
        OutcomeWord::NoCheckInSeen => RGBColor(0xd2, 0x99, 0x22),
        OutcomeWord::Failed | OutcomeWord::Gone => RGBColor(0xda, 0x36, 0x33),
        OutcomeWord::NotSupported | OutcomeWord::Refused => RGBColor(0xa3, 0x71, 0xf7),
        OutcomeWord::Cancelled | OutcomeWord::Skipped => RGBColor(0x80, 0x84, 0x8e),
    }
}

/// Draws it, as a PNG.
pub(super) fn outcomes(rows: &[BulkRow]) -> Result<Vec<u8>, NotDrawn> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        if register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_err() {
            tracing::error!("the font for pictures cannot be read");
        }
    });
    let (width, height) = SIZE;
    let mut pixels = vec![0; usize::try_from(width * height * 3).unwrap_or(0)];
    {
        let whole = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        whole.fill(&GROUND).map_err(|_| NotDrawn("the ground"))?;
        let (left, right) = whole.split_horizontally(560);
        curve(&left, rows).ok_or(NotDrawn("the curve"))?;
        bars(&right, rows).ok_or(NotDrawn("the bars"))?;
        whole.present().map_err(|_| NotDrawn("the whole"))?;
    }
    encode(&pixels).ok_or(NotDrawn("the file"))
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// How many have checked in, minute by minute since the first call.
fn curve(area: &Area<'_>, rows: &[BulkRow]) -> Option<()> {
    let begin = rows.iter().filter_map(|row| row.requested_at).min();
    let minutes = |at: Timestamp| begin.map_or(0.0, |begin| at.duration_since(begin).as_secs_f64().max(0.0) / 60.0);
    let mut at: Vec<f64> = rows
        .iter()
        .filter_map(|row| match &row.outcome {
            Some(Outcome::CheckedIn(report)) => Some(minutes(report.checked_in_at)),
            _ => None,
        })
        .collect();
    at.sort_by(f64::total_cmp);
    let last = rows.iter().filter_map(|row| row.ended_at).map(minutes).fold(1.0, f64::max);
    let total = f64::from(u32::try_from(rows.len()).ok()?).max(1.0);
    let mut steps = vec![(0.0, 0.0)];
    let mut count = 0.0;
    for at in at {
        steps.push((at, count));
        count += 1.0;
        steps.push((at, count));
    }
    steps.push((last, count));
    let mut chart = ChartBuilder::on(area)
        .caption("Check-ins over time", (FONT, 20).into_font().color(&INK))
        .margin(14)
        .x_label_area_size(38)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..last, 0.0..total)
        .ok()?;
    chart
        .configure_mesh()
        .x_desc("minutes since the first call")
        .x_label_formatter(&|minutes| if last < 10.0 { format!("{minutes:.1}") } else { format!("{minutes:.0}") })
        .y_label_formatter(&|count| format!("{count:.0}"))
        .label_style((FONT, 15).into_font().color(&INK))
        .axis_style(INK)
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .draw()
        .ok()?;
    let ink = colour(OutcomeWord::CheckedIn);
    chart.draw_series(AreaSeries::new(steps, 0.0, ink.mix(0.25)).border_style(ink.stroke_width(2))).ok()?;
    Some(())
}

/// A bar for each platform, made of its outcomes, and what the colours say.
fn bars(area: &Area<'_>, rows: &[BulkRow]) -> Option<()> {
    let mut platforms: BTreeMap<String, BTreeMap<OutcomeWord, u32>> = BTreeMap::new();
    for row in rows {
        let Some(outcome) = &row.outcome else { continue };
        let platform = super::cards::clean(&row.device.platform.to_string(), 14);
        *platforms.entry(platform).or_default().entry(outcome.word()).or_default() += 1;
    }
    let mut platforms: Vec<_> = platforms.into_iter().collect();
    platforms.sort_by_key(|(_, words)| std::cmp::Reverse(words.values().sum::<u32>()));
    let rest = platforms.split_off(platforms.len().min(BARS));
    if !rest.is_empty() {
        let mut others: BTreeMap<OutcomeWord, u32> = BTreeMap::new();
        for (word, count) in rest.into_iter().flat_map(|(_, words)| words) {
            *others.entry(word).or_default() += count;
        }
        platforms.push(("others".to_owned(), others));
    }
    let text = |size: i32| (FONT, size).into_font().color(&INK);
    area.draw(&Text::new("Outcomes per platform", (14, 16), text(20))).ok()?;
    let most = platforms.iter().map(|(_, words)| words.values().sum::<u32>()).max().unwrap_or(1).max(1);
    let (left, width, mut top) = (120, 230_u32, 56);
    for (platform, words) in &platforms {
        area.draw(&Text::new(platform.clone(), (14, top + 4), text(15))).ok()?;
        let mut from = left;
        for (word, count) in words {
            let to = from + i32::try_from(count * width / most).ok()?.max(2);
            let bar = Rectangle::new([(from, top), (to, top + 22)], colour(*word).filled());
            area.draw(&bar).ok()?;
            from = to;
        }
        let sum: u32 = words.values().sum();
        area.draw(&Text::new(sum.to_string(), (from + 8, top + 4), text(15))).ok()?;
        top += 34;
    }
    let mut shown: BTreeMap<OutcomeWord, u32> = BTreeMap::new();
    for (word, count) in platforms.iter().flat_map(|(_, words)| words) {
        *shown.entry(*word).or_default() += count;
    }
    top += 14;
    for (word, count) in shown {
        let mark = Rectangle::new([(14, top), (28, top + 14)], colour(word).filled());
        area.draw(&mark).ok()?;
        area.draw(&Text::new(format!("{count} {}", ended_word(word)), (36, top), text(15))).ok()?;
        top += 22;
    }
    Some(())
}

fn encode(pixels: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::cards::samples;
    use super::*;
    use crate::intune::{Compliance, Platform};
    use crate::store::{DeviceSyncState, Report};

    fn rows(count: i64) -> Vec<BulkRow> {
        let platforms = [Platform::Windows, Platform::Ios, Platform::MacOs, Platform::Android];
        let row = |n: i64| {
            let requested_at = samples::now() + SignedDuration::from_millis(100 * n);
            let checked_in_at = requested_at + SignedDuration::from_secs(20 + (n * n) % 240);
            let report = Report {
                checked_in_at,
                requested_at,
                compliance: Compliance::Compliant,
                apps: Some(Vec::new()),
                more_failures: 0,
            };
            let outcome = match n % 9 {
                7 => Outcome::NoCheckInSeen { accepted: true, last_check_in: None },
                8 => Outcome::Gone,
                _ => Outcome::CheckedIn(report),
            };
            let platform = platforms[usize::try_from(n * n % 7 % 4).unwrap()].clone();
            BulkRow {
                device: crate::intune::Device { platform, ..samples::device() },
                state: DeviceSyncState::Ended,
                outcome: Some(outcome),
                requested_at: Some(requested_at),
                ended_at: Some(checked_in_at),
            }
        };
        (0..count).map(row).collect()
    }

    fn pixels(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn the_picture_has_a_colour_for_each_outcome_there_is() {
        let file = outcomes(&rows(180)).unwrap();
        if let Some(folder) = std::env::var_os("PICTURE_DIR") {
            std::fs::write(std::path::Path::new(&folder).join("outcomes.png"), &file).unwrap();
        }
        let (width, height, pixels) = pixels(&file);
        assert_eq!((width, height), SIZE);
        let has = |wanted: RGBColor| pixels.chunks(3).any(|pixel| pixel == [wanted.0, wanted.1, wanted.2]);
        assert!(has(colour(OutcomeWord::CheckedIn)) && has(colour(OutcomeWord::NoCheckInSeen)));
        assert!(has(colour(OutcomeWord::Gone)) && has(INK), "words are drawn");
        assert!(!has(colour(OutcomeWord::Refused)), "nobody was refused");
    }

    #[test]
    fn a_request_in_which_nothing_happened_has_a_picture_too() {
        assert_eq!(pixels(&outcomes(&[]).unwrap()).0, SIZE.0);
        let mut waiting = rows(1);
        waiting[0].outcome = None;
        waiting[0].requested_at = None;
        assert_eq!(pixels(&outcomes(&waiting).unwrap()).1, SIZE.1);
    }
}
