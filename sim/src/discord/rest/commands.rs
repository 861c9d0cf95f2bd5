//! Registration of slash commands, for the guild or everywhere.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Call, Outcome};
use crate::Discord;
use crate::discord::error::{ApiError, Problems};
use crate::discord::rules;

/// New commands that a guild takes in a day.
const CREATES_A_DAY: usize = 200;

/// GET lists, PUT replaces all.
pub(super) fn route(discord: &Discord, call: &Call, app: &str, guild: Option<&str>) -> Outcome {
    let now = discord.now();
    discord.with(|state| {
        if state.app_id.to_string() != app {
            return Err(ApiError::missing_access());
        }
        if guild.is_some_and(|guild| guild != state.guild_id.to_string()) {
            return Err(ApiError::missing_access());
        }
        if call.method == "GET" {
            let list = if guild.is_some() { &state.guild_commands } else { &state.global_commands };
            return Ok((200, Some(json!(list))));
        }
        let mut problems = Problems::default();
        let Some(wanted) = call.body()?.as_array() else {
            problems.add("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
            problems.finish()?;
            return Err(ApiError::not_json());
        };
        rules::check_commands(wanted, &mut problems);
        problems.finish()?;
        let known = if guild.is_some() { state.guild_commands.clone() } else { state.global_commands.clone() };
        let same = |one: &Value| known.iter().find(|old| old["name"] == one["name"] && kind(old) == kind(one));
        let new = wanted.iter().filter(|one| same(one).is_none()).count();
        state.command_creates.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        if state.command_creates.len() + new > CREATES_A_DAY {
            return Err(ApiError::too_many_commands_created());
        }
        state.command_creates.extend(std::iter::repeat_n(now, new));
        let mut list = Vec::new();
        for one in wanted {
            let id = same(one).map_or_else(|| json!(state.snowflakes.next(now).to_string()), |old| old["id"].clone());
            let version = state.snowflakes.next(now).to_string();
            list.push(registered(one, id, &version, &state.app_id.to_string(), guild));
        }
        let kept = if guild.is_some() { &mut state.guild_commands } else { &mut state.global_commands };
        kept.clone_from(&list);
        Ok((200, Some(json!(list))))
    })
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

/// A command as Discord gives it back.
fn registered(wanted: &Value, id: Value, version: &str, app: &str, guild: Option<&str>) -> Value {
    let mut command = wanted.clone();
    command["id"] = id;
    command["application_id"] = json!(app);
    command["version"] = json!(version);
    command["type"] = json!(kind(wanted));
    if let Some(guild) = guild {
        command["guild_id"] = json!(guild);
    }
    for (key, or) in [("default_member_permissions", json!(null)), ("nsfw", json!(false)), ("description", json!(""))] {
        if command.get(key).is_none() {
            command[key] = or;
        }
    }
    command
}
