// What names things in a journal: places, runs, asks. Made by run/ alone, and told apart by the compiler. Used by everyone.

declare const placeBrand: unique symbol;
/** The identity of a call, attempt, branch, tool call or asker: 22 characters of a SHA-256, base64url. */
export type Place = string & { readonly [placeBrand]: true };

declare const runBrand: unique symbol;
/** A run's id: 1 to 200 visible ASCII characters. */
export type RunId = string & { readonly [runBrand]: true };

declare const askBrand: unique symbol;
/** The identity of a question to a person, over all runs: 22 characters of a SHA-256, base64url. */
export type AskId = string & { readonly [askBrand]: true };
