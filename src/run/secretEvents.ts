// Events without secrets: where words of others stand in them. What is said often (inputs, messages, answers, results) is
// safe by then, put out at the door by which it came. Called by secrets.ts for every event of a run.

import type { ErrorRecord } from '../agent/errors.ts';
import type { Gap, Happening } from '../journal/event.ts';

/** What puts secrets out of texts and of data. */
interface Cleaner {
  text(text: string): string;
  clean<T>(value: T): T;
}

/** An error as it is journaled. Places and codes stay: they are no text. */
export function safeRecord(error: ErrorRecord, by: Cleaner): ErrorRecord {
  const { message, problems, data, cause } = error;
  return {
    ...error,
    message: by.text(message),
    ...(problems === undefined ? {} : { problems: by.clean(problems) }),
    ...(data === undefined ? {} : { data: by.clean(data) }),
    ...(cause === undefined ? {} : { cause: 'code' in cause ? safeRecord(cause, by) : { message: by.text(cause.message) } }),
  };
}

/** What happened, as it may be journaled. */
export function safeHappening(happening: Happening, by: Cleaner): Happening {
  switch (happening.kind) {
    case 'run.failed':
    case 'call.failed':
    case 'model.failed':
      return { ...happening, error: safeRecord(happening.error, by) };
    case 'tool.returned':
      return 'error' in happening ? { ...happening, error: safeRecord(happening.error, by) } : happening;
    case 'run.succeeded':
      return { ...happening, output: by.clean(happening.output), missing: happening.missing.map((gap) => safeGap(gap, by)) };
    case 'call.succeeded':
      return happening.gaps === undefined ? happening : { ...happening, gaps: happening.gaps.map((gap) => safeGap(gap, by)) };
    case 'run.cancelled':
    case 'decision':
      return { ...happening, reason: by.text(happening.reason) };
    case 'attempt.repaired':
    case 'attempt.rejected':
      return { ...happening, problems: by.clean(happening.problems) };
    case 'guard.tripped':
      return { ...happening, evidence: by.clean(happening.evidence) };
    case 'ask.opened':
      return { ...happening, question: by.text(happening.question) };
    case 'ask.refused':
      return { ...happening, reason: by.text(happening.reason) };
    case 'ask.withdrawn':
      return { ...happening, why: by.text(happening.why) };
    default:
      return happening;
  }
}

function safeGap(gap: Gap, by: Cleaner): Gap {
  return { ...gap, error: safeRecord(gap.error, by) };
}
