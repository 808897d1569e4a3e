"""From telegrams to readings: registers with normalised codes and exact digits, meters' identities, derived facts."""
