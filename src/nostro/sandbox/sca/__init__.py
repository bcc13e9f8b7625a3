"""Strong customer authentication in all its ways: redirect, OAuth, decoupled, embedded (connectors.md 5.1)."""
