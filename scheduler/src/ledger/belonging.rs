//! Whose runs a ledger keeps: those of two warehouses would be taken for each other.

use sqlx::query;

use super::{Error, Ledger, Result, row};

const WAREHOUSE: &str = "warehouse";

impl Ledger {
    /// From the first time on, the ledger belongs to this warehouse.
    ///
    /// # Errors
    /// `Conflict` if it belongs to another.
    pub async fn belong_to(&self, warehouse: &str) -> Result<()> {
        let mut session = self.database.begin().await?;
        let claim = query("insert into setting (name, value) values ($1, $2) on conflict (name) do nothing");
        session.execute(claim.bind(WAREHOUSE).bind(warehouse)).await?;
        let select = query("select value from setting where name = $1").bind(WAREHOUSE);
        let owner = session.row(select).await?.map(|found| row::text(&found, "value")).transpose()?;
        session.commit().await?;
        match owner {
            Some(owner) if owner != warehouse => {
                let problem = format!(
                    "keeps the runs of the warehouse {owner}, not of {warehouse}; pass the same --data and --warehouse, \
                     or another --ledger"
                );
                Err(Error::conflict(format!("ledger {}", self.place()), problem))
            }
            _ => Ok(()),
        }
    }
}
