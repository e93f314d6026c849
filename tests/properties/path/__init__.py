"""The whole path as a state machine: where examples begin, the plainest model, and the rules by part of the path."""
