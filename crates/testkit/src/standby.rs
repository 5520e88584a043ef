//! A standby of a test's PostgreSQL, which can take over from it.

use crate::postgres::{Postgres, Site, finish, sound};

impl Postgres {
    /// Starts a server that follows this one synchronously: what is answered is on it too, whatever becomes of this one.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        let standby = sound(self.prepare_standby());
        let named =
            self.configure(&["synchronous_standby_names='standby'"]).and_then(|()| self.control(&["reload"]));
        sound(named);
        standby
    }

    fn prepare_standby(&self) -> Result<Self, String> {
        let standby = Self::empty(self.programs.clone(), &Site::default())?;
        let mut copy = standby.program("pg_basebackup");
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        copy.arg(format!("--pgdata={}/data", standby.folder.display()));
        let primary = format!("host=127.0.0.1 port={} user=gatepost application_name=standby", self.port);
        finish(copy.args(["--dbname", &primary]))?;
        standby.configure(&[])?;
        standby.control(&["start", "--timeout=120"])?;
        Ok(standby)
    }

    /// Whether the server runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.control(&["status"]).is_ok()
    }

    /// Makes a server that followed another one take writes itself.
    ///
    /// # Panics
    /// If it does not.
    pub fn promote(&self) {
        sound(self.control(&["promote", "--timeout=60"]));
    }

    /// An address at this server, with another server to go to.
    #[must_use]
    pub fn address_with(&self, other: &Self, address: &str) -> String {
        let own = format!("127.0.0.1:{}", self.port);
        address.replacen(&own, &format!("{own},127.0.0.1:{}", other.port), 1)
    }
}
