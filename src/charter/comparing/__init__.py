"""Systems compared by people: one question, answers side by side, a vote."""
