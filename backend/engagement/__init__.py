"""What makes people come back: collecting, tasks, levels, campaigns, games, teams and what people see of each other.

Holds    a room for each of these, by the switches of a programme's pack.
Promises every reward follows from acts that stand, and goes back when they do not; nobody is shown who did not agree.
Ignores  how acts come in and how grams are found; what becomes of grams.
"""
