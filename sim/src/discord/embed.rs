//! Embeds as people read them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An embed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Embed {
    /// Heading.
    pub title: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Where the heading leads.
    pub url: Option<String>,
    /// The bar's colour, `0xRRGGBB`.
    pub color: Option<u32>,
    /// Fields in order.
    pub fields: Vec<EmbedField>,
    /// Small print.
    pub footer: Option<EmbedFooter>,
    /// Line above the heading.
    pub author: Option<EmbedAuthor>,
    /// A picture.
    pub image: Option<EmbedImage>,
    /// A small picture.
    pub thumbnail: Option<EmbedImage>,
    /// The time beside the small print.
    pub timestamp: Option<Timestamp>,
}

impl Embed {
    /// Its parts as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.author.as_ref().map(|author| author.name.clone()));
        lines.extend(self.title.clone());
        lines.extend(self.description.iter().flat_map(|text| text.lines().map(str::to_owned)));
        for field in &self.fields {
            lines.push(format!("{}: {}", field.name, field.value));
        }
        lines.extend(self.footer.as_ref().map(|footer| footer.text.clone()));
        lines
    }

    /// A field's value by the field's name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }
}

/// A field of an embed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it stands beside its neighbours.
    pub inline: bool,
}

/// An embed's small print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedFooter {
    /// Its text.
    pub text: String,
}

/// An embed's author line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedAuthor {
    /// Its text.
    pub name: String,
}

/// An embed's picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedImage {
    /// Where it is.
    pub url: String,
}
