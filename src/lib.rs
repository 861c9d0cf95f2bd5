//! intune-sync-bot.
