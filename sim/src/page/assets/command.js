// Reading a half-typed command: which command, which option is being typed, what is still missing.

/** Every command and sub-command that can be typed: `{name, description, options}`. */
export function typeable(commands) {
  const out = [];
  const walk = (name, node) => {
    const subs = (node.options ?? []).filter((option) => option.type === 1 || option.type === 2);
    if (!subs.length) return out.push({ name, description: node.description, options: node.options ?? [] });
    return subs.forEach((sub) => walk(`${name} ${sub.name}`, sub));
  };
  for (const command of commands) if ((command.type ?? 1) === 1) walk(command.name, command);
  return out.sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Reads a text that begins with a slash. Either `{stage: "name", found}` while the name is being typed, or
 * `{stage: "options", command, given, current, loose, missing}`.
 */
export function read(text, all) {
  const line = text.slice(1);
  const command = all.filter((one) => line === one.name || line.startsWith(`${one.name} `) || line.startsWith(`${one.name}\n`))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (!command || line === command.name) {
    const typed = line.toLowerCase();
    const found = all.filter((one) => one.name.startsWith(typed));
    return { stage: "name", found: found.length ? found : all.filter((one) => one.name.includes(typed.trim())) };
  }
  const rest = line.slice(command.name.length);
  const base = text.length - rest.length;
  const starts = [];
  for (const option of command.options) {
    for (const match of rest.matchAll(new RegExp(`(?<=\\s)${option.name.replace(/[^\w]/g, "\\$&")}:`, "g"))) {
      starts.push({ at: match.index, option });
    }
  }
  starts.sort((a, b) => a.at - b.at);
  const given = starts.map(({ at, option }, index) => {
    const from = at + option.name.length + 1;
    const to = starts[index + 1]?.at ?? rest.length;
    return { option, from: base + from, to: base + to, raw: rest.slice(from, to), value: rest.slice(from, to).trim() };
  });
  const names = new Set(given.map((one) => one.option.name));
  const loose = given.length ? "" : rest.trim();
  return {
    stage: "options", command, given, loose,
    current: given.at(-1) ?? null,
    left: command.options.filter((option) => !names.has(option.name)),
    missing: command.options.filter((option) => option.required && !given.some((one) => one.option === option && one.value)),
  };
}

/** Suggestions that need no bot: fixed choices, yes or no, people, roles, channels. */
export function known(option, world) {
  if (option.choices?.length) return option.choices.map((choice) => ({ name: choice.name, value: choice.name }));
  switch (option.type) {
    case 5: return [{ name: "True", value: "True" }, { name: "False", value: "False" }];
    case 6: return world.people.map((person) => ({ name: `@${person.username}`, note: person.display_name, value: `@${person.username}` }));
    case 7: return world.channels.map((channel) => ({ name: `#${channel.name}`, value: `#${channel.name}` }));
    case 8: return world.roles.map((role) => ({ name: `@${role.name}`, value: `@${role.name}` }));
    default: return null;
  }
}
