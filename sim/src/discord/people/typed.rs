//! Reading what a person typed after the slash, against the registered commands.

use serde_json::{Value, json};

use super::ChatError;
use crate::discord::state::State;
use crate::discord::view::Choice;

/// A typed command, split at its options and not yet checked.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The registered command.
    pub command: Value,
    /// Names of group and sub-command, if any.
    pub path: Vec<String>,
    /// The options' definitions.
    pub definitions: Vec<Value>,
    /// Names and texts of the options, in the order typed.
    pub options: Vec<(String, String)>,
}

impl Typed {
    /// Splits `/name [group] [sub] option:value …`. A value runs until the next ` known_option:`.
    pub fn parse<'a>(text: &str, commands: impl Iterator<Item = &'a Value>) -> Result<Self, ChatError> {
        let text = text.trim_start();
        let line = text.strip_prefix('/').ok_or_else(|| ChatError::because("a command starts with /"))?;
        let (name, mut rest) = word(line);
        let command = commands
            .into_iter()
            .find(|command| command["name"] == name && command["type"].as_u64().unwrap_or(1) == 1)
            .ok_or_else(|| ChatError::because(format!("there is no command /{name}")))?;
        let (mut definitions, mut path) = (options_of(command), Vec::new());
        while definitions.iter().any(is_sub) {
            let (next, after) = word(rest);
            let sub = definitions
                .iter()
                .find(|one| one["name"] == next)
                .ok_or_else(|| ChatError::because(format!("/{name} needs one of its sub-commands, not `{next}`")))?;
            path.push(next.to_owned());
            definitions = options_of(sub);
            rest = after;
        }
        let options = split(rest, &definitions)?;
        Ok(Self { command: command.clone(), path, definitions, options })
    }

    /// The full name, such as `bulk-sync user`.
    pub fn name(&self) -> String {
        let mut name = self.command["name"].as_str().unwrap_or_default().to_owned();
        for part in &self.path {
            name.push(' ');
            name.push_str(part);
        }
        name
    }

    /// Replaces or adds options by exact value.
    pub fn set(&mut self, option: &str, value: &str) {
        self.options.retain(|(name, _)| name != option);
        self.options.push((option.to_owned(), value.to_owned()));
    }

    /// The `data` of a command interaction; checked and coerced as the client does.
    pub(super) fn data(
        &self,
        state: &State,
        shown: &dyn Fn(&str) -> Option<Vec<Choice>>,
        exact: &[(&str, &str)],
    ) -> Result<Value, ChatError> {
        for definition in self.definitions.iter().filter(|definition| definition["required"] == true) {
            if !self.options.iter().any(|(name, _)| definition["name"] == *name) {
                let name = definition["name"].as_str().unwrap_or_default();
                return Err(ChatError::because(format!("/{} needs the option `{name}`", self.name())));
            }
        }
        let mut resolved = json!({});
        let mut sent = Vec::new();
        for (name, text) in &self.options {
            let definition = self.definition(name)?;
            let is_exact = exact.iter().any(|(option, _)| option == name);
            let picked = if is_exact { None } else { shown(name).and_then(|choices| pick(&choices, text)) };
            let value = match picked {
                Some(value) => value,
                None => coerce(state, definition, text, &mut resolved)?,
            };
            sent.push(json!({"name": name, "type": definition["type"], "value": value}));
        }
        Ok(self.wrap(&json!(sent), &resolved))
    }

    /// The `data` of an autocomplete question: the last option typed is in focus, and nothing is checked.
    pub(super) fn question(&self, state: &State) -> Result<(String, Value), ChatError> {
        let (focused, _) = self.options.last().ok_or_else(|| ChatError::because("no option is being typed"))?;
        let mut sent = Vec::new();
        for (name, text) in &self.options {
            let definition = self.definition(name)?;
            if name == focused {
                if definition["autocomplete"] != true {
                    return Err(ChatError::because(format!("the option `{name}` has no autocomplete")));
                }
                sent.push(json!({"name": name, "type": definition["type"], "value": text, "focused": true}));
            } else {
                let value = coerce(state, definition, text, &mut json!({})).unwrap_or_else(|_| json!(text));
                sent.push(json!({"name": name, "type": definition["type"], "value": value}));
            }
        }
        Ok((focused.clone(), self.wrap(&json!(sent), &json!({}))))
    }

    fn definition(&self, name: &str) -> Result<&Value, ChatError> {
        let found = self.definitions.iter().find(|definition| definition["name"] == name);
        found.ok_or_else(|| ChatError::because(format!("/{} has no option `{name}`", self.name())))
    }

    fn wrap(&self, options: &Value, resolved: &Value) -> Value {
        let mut options = options.clone();
        for (depth, name) in self.path.iter().enumerate().rev() {
            let kind = if depth == 0 && self.path.len() == 2 { 2 } else { 1 };
            options = json!([{"name": name, "type": kind, "options": options}]);
        }
        let mut data = json!({"id": self.command["id"], "name": self.command["name"], "type": 1, "options": options});
        if let Some(guild) = self.command.get("guild_id") {
            data["guild_id"] = guild.clone();
        }
        if resolved.as_object().is_some_and(|map| !map.is_empty()) {
            data["resolved"] = resolved.clone();
        }
        data
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn options_of(of: &Value) -> Vec<Value> {
    of["options"].as_array().cloned().unwrap_or_default()
}

fn is_sub(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(1 | 2))
}

/// Cuts `a:… b:…` where a known option's name and a colon follow a space (or stand at the start).
fn split(text: &str, definitions: &[Value]) -> Result<Vec<(String, String)>, ChatError> {
    let text = text.trim_start();
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for name in definitions.iter().filter_map(|definition| definition["name"].as_str()) {
        let key = format!("{name}:");
        for (at, _) in text.match_indices(&key) {
            if at == 0 || text[..at].ends_with(char::is_whitespace) {
                starts.push((at, name));
            }
        }
    }
    starts.sort_unstable();
    let first = starts.first().map_or(text.len(), |(at, _)| *at);
    if !text[..first].trim().is_empty() {
        return Err(ChatError::because(format!("`{}` is not an option of this command", text[..first].trim())));
    }
    let mut options: Vec<(String, String)> = Vec::new();
    for (index, (at, name)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(text.len(), |(next, _)| *next);
        if options.iter().any(|(known, _)| known == name) {
            return Err(ChatError::because(format!("the option `{name}` is there twice")));
        }
        options.push(((*name).to_owned(), text[at + name.len() + 1..end].trim().to_owned()));
    }
    Ok(options)
}

fn pick(choices: &[Choice], text: &str) -> Option<Value> {
    choices.iter().find(|choice| choice.name == text).map(|choice| choice.value.clone())
}

/// A typed text as the value of its option's type, or what the client would say.
fn coerce(state: &State, definition: &Value, text: &str, resolved: &mut Value) -> Result<Value, ChatError> {
    let name = definition["name"].as_str().unwrap_or_default();
    let wrong = |what: &str| ChatError::because(format!("`{text}` is not {what}, which the option `{name}` needs"));
    if text.is_empty() {
        return Err(ChatError::because(format!("the option `{name}` has no value")));
    }
    if let Some(choices) = definition["choices"].as_array().filter(|choices| !choices.is_empty()) {
        let same = |choice: &&Value| match &choice["value"] {
            Value::String(value) => choice["name"] == text || value == text,
            number => choice["name"] == text || text.parse::<f64>().is_ok_and(|typed| number.as_f64() == Some(typed)),
        };
        return choices
            .iter()
            .find(same)
            .map(|choice| choice["value"].clone())
            .ok_or_else(|| wrong("one of the choices"));
    }
    let mention = |open: &str| {
        text.trim_start_matches(open).trim_end_matches('>').trim_start_matches(['@', '#', '&', '!']).to_owned()
    };
    match definition["type"].as_u64().unwrap_or(3) {
        4 => {
            let number: i64 = text.parse().map_err(|_| wrong("a whole number"))?;
            within(definition, text, &json!(number)).map(|()| json!(number))
        }
        10 => {
            let number: f64 = text.parse().map_err(|_| wrong("a number"))?;
            within(definition, text, &json!(number)).map(|()| json!(number))
        }
        5 => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err(wrong("True or False")),
        },
        6 => resolve_user(state, &mention("<"), resolved).ok_or_else(|| wrong("somebody here")),
        8 => resolve_role(state, &mention("<"), resolved).ok_or_else(|| wrong("a role")),
        9 => resolve_user(state, &mention("<"), resolved)
            .or_else(|| resolve_role(state, &mention("<"), resolved))
            .ok_or_else(|| wrong("somebody or a role")),
        7 => {
            let channel = state.channel_named(&mention("<")).ok_or_else(|| wrong("a channel"))?;
            let id = channel.id.to_string();
            resolved["channels"][&id] = crate::discord::payload::channel(state, channel);
            resolved["channels"][&id]["permissions"] = json!("2248473465835073");
            Ok(json!(id))
        }
        _ => {
            let length = text.chars().count() as u64;
            let (min, max) =
                (definition["min_length"].as_u64().unwrap_or(0), definition["max_length"].as_u64().unwrap_or(6000));
            if length < min || length > max {
                return Err(ChatError::because(format!("the option `{name}` takes {min} to {max} characters")));
            }
            Ok(json!(text))
        }
    }
}

fn within(definition: &Value, text: &str, number: &Value) -> Result<(), ChatError> {
    let number = number.as_f64().unwrap_or_default();
    let (min, max) = (definition["min_value"].as_f64(), definition["max_value"].as_f64());
    if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
        return Err(ChatError::because(format!("{text} is out of range for the option {}", definition["name"])));
    }
    Ok(())
}

fn resolve_user(state: &State, text: &str, resolved: &mut Value) -> Option<Value> {
    let user = state
        .users
        .iter()
        .find(|user| user.username == text || user.display_name == text || user.id.to_string() == text)?;
    let id = user.id.to_string();
    resolved["users"][&id] = crate::discord::payload::user(user);
    let mut member = crate::discord::payload::member(user);
    if let Some(map) = member.as_object_mut() {
        for key in ["user", "deaf", "mute"] {
            map.remove(key);
        }
    }
    member["permissions"] = json!("2248473465835073");
    resolved["members"][&id] = member;
    Some(json!(id))
}

fn resolve_role(state: &State, text: &str, resolved: &mut Value) -> Option<Value> {
    let role = state.role_named(text)?;
    let id = role.id.to_string();
    resolved["roles"][&id] = crate::discord::payload::role(role, 1);
    Some(json!(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "sync", "options": [
                {"type": 3, "name": "device", "required": true, "autocomplete": true},
                {"type": 3, "name": "reason"}, {"type": 4, "name": "days", "min_value": 1}]}),
            json!({"id": "2", "name": "bulk-sync", "options": [
                {"type": 1, "name": "user", "options": [{"type": 6, "name": "who", "required": true}]},
                {"type": 2, "name": "more", "options": [{"type": 1, "name": "all", "options": []}]}]}),
        ]
    }

    fn state() -> State {
        State::new(&crate::Scenario::default().discord).unwrap()
    }

    fn data(text: &str) -> Result<Value, ChatError> {
        let commands = commands();
        Typed::parse(text, commands.iter())?.data(&state(), &|_| None, &[])
    }

    #[test]
    fn a_value_runs_until_the_next_known_option() {
        let data = data("/sync device:LT-042 with: colon reason:it said days: 3").unwrap();
        assert_eq!(data["options"][0]["value"], "LT-042 with: colon");
        assert_eq!(data["options"][1]["value"], "it said");
        assert_eq!(data["options"][2]["value"], 3);
    }

    #[test]
    fn missing_unknown_and_misfitting_options_are_the_clients_errors() {
        assert_eq!(data("/sync reason:x").unwrap_err().0, "/sync needs the option `device`");
        assert!(data("/sync LT-042").unwrap_err().0.contains("is not an option"));
        assert!(data("/sync device:a days:many").unwrap_err().0.contains("whole number"));
        assert!(data("/sync device:a days:0").unwrap_err().0.contains("out of range"));
        assert!(data("/nothing").unwrap_err().0.contains("no command"));
    }

    #[test]
    fn sub_commands_and_groups_nest_and_people_are_resolved() {
        let data = data("/bulk-sync user who:@omar").unwrap();
        assert_eq!(data["options"][0]["options"][0]["value"], "900000000000000302");
        assert_eq!(data["resolved"]["users"]["900000000000000302"]["username"], "omar");
        let commands = commands();
        let group = Typed::parse("/bulk-sync more all", commands.iter()).unwrap();
        assert_eq!(group.name(), "bulk-sync more all");
        let data = group.data(&state(), &|_| None, &[]).unwrap();
        assert_eq!((&data["options"][0]["type"], &data["options"][0]["options"][0]["type"]), (&json!(2), &json!(1)));
    }

    #[test]
    fn a_text_equal_to_a_shown_choice_is_sent_as_that_choice() {
        let commands = commands();
        let typed = Typed::parse("/sync device:LT-042 (Hanna)", commands.iter()).unwrap();
        let shown = |_: &str| Some(vec![Choice { name: "LT-042 (Hanna)".to_owned(), value: json!("id-42") }]);
        assert_eq!(typed.data(&state(), &shown, &[]).unwrap()["options"][0]["value"], "id-42");
    }
}
