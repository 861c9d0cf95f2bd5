//! Suggestions while someone types, over tenants of several sizes: the search in memory, and from the keystroke to the choices.
//!
//! `make bench ARGS='suggest [DEVICES …]'`.

use std::time::Duration;

use intune_sync_bot::clock::Clock;
use intune_sync_bot::demo::{Stage, StageOptions};
use intune_sync_bot::identity::Visibility;
use intune_sync_bot::intune::{Compliance, Device, DeviceId, EntraUserId, Platform};
use intune_sync_bot::sync::Directory;
use jiff::Timestamp;
use sim::discord::Limits;

use crate::print::{print, spread};

/// Devices in the directory when no number is given.
const DEVICES: [usize; 3] = [1_000, 10_000, 100_000];

/// What is typed: nothing, the beginning of many names, of one, of a serial number's inside, of a person, and nothing that there is.
const TYPED: [&str; 8] = ["", "L", "LT-10", "LT-1999", "77", "weber", "jonas weber", "no such thing"];

/// How long (in real time) a world of many devices may take for one step.
const REST: Duration = Duration::from_mins(15);

/// Users of the simulated devices.
const PEOPLE: usize = 300;

/// Searches in memory for each text.
const SEARCHES: usize = 200;

/// Questions through Discord for each text.
const QUESTIONS: usize = 40;

pub(crate) async fn run(numbers: &[usize]) -> anyhow::Result<()> {
    let mut sizes = numbers.to_vec();
    if sizes.is_empty() {
        sizes.extend(DEVICES);
    }
    for size in sizes {
        in_memory(size);
        Box::pin(through_discord(size)).await?;
    }
    Ok(())
}

fn device(number: usize) -> Device {
    let first = ["Jonas", "Mia", "Ada", "Omar", "Hanna"][number % 5];
    let last = ["Weber", "Schulz", "Novak", "Tanaka", "Keller", "Otto", "Lang"][number % 7];
    Device {
        id: DeviceId(uuid::Uuid::from_u128(number as u128 + 1)),
        name: format!("{}-{:04}", ["LT", "PC", "IPH", "AND"][number % 4], 1001 + number),
        platform: Platform::Windows,
        os_version: "10.0.26100".to_owned(),
        last_check_in: Some(Timestamp::UNIX_EPOCH),
        compliance: Compliance::Compliant,
        management_state: "managed".to_owned(),
        agent: "mdm".to_owned(),
        user_id: Some(EntraUserId(uuid::Uuid::from_u128(number as u128 / 2))),
        user_name: Some(format!("{first} {last}")),
        user_principal_name: Some(format!("{first}.{last}{number}@contoso.example").to_lowercase()),
        serial: Some(format!("{:010X}", number.wrapping_mul(2_654_435_761))),
        model: Some("Surface Laptop".to_owned()),
        entra_device_id: None,
        pending_action: None,
        owner: None,
    }
}

/// Only the bot's own search.
fn in_memory(size: usize) {
    let (directory, clock) = (Directory::default(), Clock::real());
    directory.replace((0..size).map(device), Timestamp::UNIX_EPOCH);
    let (mut devices, mut people) = (Vec::new(), Vec::new());
    for _ in 0..SEARCHES {
        for text in TYPED {
            let began = clock.steady();
            std::hint::black_box(directory.suggest(text, &Visibility::Everything));
            let between = clock.steady();
            std::hint::black_box(directory.suggest_people(text, &Visibility::Everything));
            devices.push((between - began).unsigned_abs());
            people.push((clock.steady() - between).unsigned_abs());
        }
    }
    print(&format!("{size} devices, search for a device: {}", spread(devices)));
    print(&format!("{size} devices, search for a person: {}", spread(people)));
}

/// The whole way: Discord's gateway, serenity, the bot, and the answer over HTTP.
async fn through_discord(size: usize) -> anyhow::Result<()> {
    let mut options = StageOptions { rest: REST, ..StageOptions::still() };
    options.scenario.tenant.generate.devices = size;
    // Each device looks its user up by name.
    options.scenario.tenant.generate.people = PEOPLE;
    let stage = Stage::start(options).await?;
    stage.sim.discord.set_limits(Limits::generous());
    stage.settle().await?;
    let hanna = stage.sim.discord.user("hanna");
    let mut latencies = Vec::new();
    for _ in 0..QUESTIONS {
        for text in TYPED {
            hanna.autocomplete("helpdesk", &format!("/sync device:{text}")).await?;
            latencies.extend(stage.sim.discord.ack_latencies().last().copied());
        }
    }
    stage.stop().await;
    print(&format!("{size} devices, from the keystroke to the choices: {}", spread(latencies)));
    Ok(())
}
