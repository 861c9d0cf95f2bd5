//! The benches: what the bot is measured by, each part alone or all of them. `make bench [ARGS='PART [NUMBER …]']`.

#[path = "../../tests/asked/mod.rs"]
mod asked;
#[path = "../../tests/engines/mod.rs"]
mod engines;
#[path = "../../tests/samples/mod.rs"]
mod samples;

mod bulk;
mod click;
mod history;
mod memory;
mod print;
mod rivals;
mod sdks;
mod store;
mod suggest;
mod world;

use anyhow::bail;

/// In the order of a whole run: what moves time first, and then what waits for it.
const PARTS: [&str; 7] = ["bulk", "watch", "suggest", "store", "memory", "click", "sdks"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Cargo adds an option of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let numbers = args.iter().skip(1).map(|arg| arg.parse()).collect::<Result<Vec<usize>, _>>()?;
    let parts = match args.first() {
        None => PARTS.to_vec(),
        Some(part) => vec![part.as_str()],
    };
    for part in parts {
        print::print(&format!("== {part}"));
        match part {
            "bulk" => bulk::run(&numbers).await?,
            "watch" => bulk::watch(&numbers).await?,
            "suggest" => suggest::run(&numbers).await?,
            "store" => store::run(&numbers).await?,
            "memory" => memory::run(&numbers).await?,
            "click" => click::run(&numbers).await?,
            "sdks" => sdks::run(&numbers).await?,
            other => bail!("there is no part {other:?}; there are {}", PARTS.join(", ")),
        }
    }
    Ok(())
}
