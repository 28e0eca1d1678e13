/** Raise it with each change of what is valid: what was valid under other rules is looked at again. */
export const RULES = 4;
