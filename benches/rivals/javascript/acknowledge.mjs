// The smallest bot in discord.js that acknowledges: a command is answered with a button, a press of it is acknowledged.
//
//     acknowledge.mjs API_URL TOKEN APPLICATION GUILD

import { ActionRowBuilder, ButtonBuilder, ButtonStyle, Client, MessageFlags, REST, Routes } from 'discord.js';

const [api, token, application, guild] = process.argv.slice(2);
const rest = { api: `${api}/api`, version: '10' };

const commands = [{ name: 'sync', description: 'Sync', options: [{ type: 3, name: 'device', description: 'Which', required: true }] }];
await new REST(rest).setToken(token).put(Routes.applicationGuildCommands(application, guild), { body: commands });

const client = new Client({ intents: [], rest });
client.on('interactionCreate', async (interaction) => {
  if (interaction.isChatInputCommand()) {
    const button = new ButtonBuilder().setCustomId('yes').setLabel('Yes').setStyle(ButtonStyle.Primary);
    const components = [new ActionRowBuilder().addComponents(button)];
    await interaction.reply({ content: 'Sync?', components, flags: MessageFlags.Ephemeral, allowedMentions: { parse: [] } });
  } else if (interaction.isButton()) {
    await interaction.deferUpdate();
  }
});
await client.login(token);
