//! What people can say to the bot: slash commands and button ids, as pure data.
