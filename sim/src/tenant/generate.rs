//! The made-up part of the tenant: enough people, apps and devices to look lived in, the same in every run.

use jiff::SignedDuration;

use super::model::{App, Person, World};
use super::platform::PLATFORMS;
use super::seed::{Seed, id_for};
use crate::scenario::tenant::{CheckInRow, DeviceAppRow, DeviceRow, Generate};

const FIRST: &[&str] = &[
    "Aisha", "Anton", "Bea", "Cem", "Dana", "Emil", "Fatima", "Georg", "Helga", "Ivan", "Jana", "Karl", "Lin", "Marta",
    "Nils", "Olga", "Paul", "Rosa", "Sven", "Tara",
];
const LAST: &[&str] = &[
    "Adler", "Berg", "Costa", "Dietz", "Ebert", "Falk", "Gruber", "Huber", "Ivanova", "Jung", "Keller", "Lang",
    "Moser", "Novak", "Otto", "Peters", "Quint", "Richter", "Sommer", "Tanaka",
];
const APP_FIRST: &[&str] = &["Contoso", "Fabrikam", "Northwind", "Woodgrove", "Tailspin"];
const APP_LAST: &[&str] = &["Chat", "Desk", "Files", "Forms", "Ledger", "Maps", "Portal", "Scan", "Time", "Travel"];

/// Adds what the scenario asks for beside its named rows.
pub(crate) fn fill(world: &mut World, wanted: &Generate) {
    let people = people(world, wanted.people);
    let apps = apps(world, wanted.apps);
    let mut seed = Seed::new(world.seed, "made-up devices");
    let named = world.devices.len();
    for number in 0..wanted.devices {
        let row = device(&mut seed, number, &people, &apps);
        // The rows are made here, so they are valid; one that were not would only be missing.
        if let Ok(device) = world.build_device(&row, named + number) {
            world.add_device(device);
        }
    }
}

/// Their object ids.
fn people(world: &mut World, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        let (first, last) = (FIRST[number % FIRST.len()], LAST[(number / FIRST.len() + number) % LAST.len()]);
        let key = format!("{}.{}{}", first.to_lowercase(), last.to_lowercase(), number + 1);
        let id = id_for(world.seed, "person", &key);
        ids.push(id.clone());
        world.add_person(Person {
            id,
            name: format!("{first} {last}"),
            upn: format!("{key}@{}", world.domain),
            key,
            enabled: number % 25 != 24,
            guest: false,
            made_up: true,
        });
    }
    ids
}

fn apps(world: &mut World, count: usize) -> Vec<String> {
    let names = APP_FIRST.iter().flat_map(|first| APP_LAST.iter().map(move |last| format!("{first} {last}")));
    let names: Vec<String> = names.filter(|name| world.app(name).is_none()).take(count).collect();
    for (number, name) in names.iter().enumerate() {
        let id = id_for(world.seed, "app", name);
        world.apps.push(App { id, name: name.clone(), version: format!("{}.{}", 1 + number % 7, number % 10) });
    }
    names
}

fn device(seed: &mut Seed, number: usize, people: &[String], apps: &[String]) -> DeviceRow {
    let mut share = seed.between(0, PLATFORMS.iter().map(|p| p.share).sum());
    let platform = PLATFORMS.iter().find(|p| {
        share -= p.share;
        share < 0
    });
    let platform = platform.unwrap_or(&PLATFORMS[0]);
    // One in ten is switched off for days, one in fifty for months.
    let off = seed.between(0, 50);
    let last_seen = match off {
        0 => Some(SignedDuration::from_hours(24 * seed.between(31, 200))),
        1..=5 => Some(SignedDuration::from_hours(24 * seed.between(2, 14))),
        _ => None,
    };
    let check_in = CheckInRow {
        never: last_seen.is_some(),
        after: if last_seen.is_some() { Vec::new() } else { vec![SignedDuration::from_secs(seed.between(25, 290))] },
        crossed: None,
    };
    let compliance = match seed.between(0, 12) {
        0 => "noncompliant",
        1 => "inGracePeriod",
        _ => "compliant",
    };
    DeviceRow {
        name: format!("{}-{:04}", platform.prefix, 1001 + number),
        os: platform.os.to_owned(),
        os_version: None,
        user: (!people.is_empty() && platform.syncs).then(|| seed.pick(people).clone()),
        enrolled_by: None,
        serial: None,
        model: None,
        agent: if platform.os == "ChromeOS" { "googleCloudDevicePolicyController" } else { "mdm" }.to_owned(),
        state: "managed".to_owned(),
        compliance: compliance.to_owned(),
        owner: if seed.between(0, 6) == 0 { "personal" } else { "company" }.to_owned(),
        seen: last_seen,
        never_seen: false,
        check_in: Some(check_in),
        stale: None,
        apps: device_apps(seed, apps),
        actions: std::collections::BTreeMap::new(),
        approval: false,
        tags: Vec::new(),
        entra: true,
    }
}

fn device_apps(seed: &mut Seed, apps: &[String]) -> Vec<DeviceAppRow> {
    if apps.is_empty() {
        return Vec::new();
    }
    let count = usize::try_from(seed.between(2, 7)).unwrap_or(2).min(apps.len());
    let first = usize::try_from(seed.next() % apps.len() as u64).unwrap_or(0);
    (0..count)
        .map(|step| {
            let failed = seed.between(0, 14) == 0;
            DeviceAppRow {
                name: apps[(first + step * 3) % apps.len()].clone(),
                state: if failed { "failed" } else { "installed" }.to_owned(),
                code: failed.then(|| *seed.pick(&[-2_016_330_893, -2_016_330_896, -2_016_345_060])),
                ago: Some(SignedDuration::from_hours(seed.between(2, 400))),
                then: None,
            }
        })
        .collect()
}
