"""Where commits come from: who or what wrote them, and how sure that is."""
