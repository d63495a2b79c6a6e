// Models that stand before another one say which: what somebody must know of the real one (providerAccount.ts) is asked
// there. Set by adapted.ts and registry.ts.

/** The model behind a model; undefined where it is not loaded yet. */
export const BEHIND: unique symbol = Symbol('the model behind');
