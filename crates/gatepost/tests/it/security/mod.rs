//! The rows of the security requirements, end to end: each test bears the id of its row. Rows about API requests begin
//! with `r_`, to be told from the statements of the mission.
