// What the compiler shows where two agents do not fit: a type that no agent has, with the reason in its arguments.

/** `Why` names both agents; then what the first gives and what the second takes. No agent is one. */
export type Misfit<Why extends string, Gives, Takes> = Why & { readonly gives: Gives; readonly takes: Takes };
