//! Keys, and what is made with them: secrets, access tokens, sealed values, webhook signatures.
