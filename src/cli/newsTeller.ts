// Tells news of effects and of people as they come, up to a bound, and holds back for a moment what the end of a run says in full.
// Called by watch.ts for every event, on terminals and in logs.

import type { Event } from '../journal/event.ts';
import { pasteable } from './invocation.ts';
import type { Progress } from './progress.ts';
import { type News, newsOf } from './worldNews.ts';

/** More than this are in `show`. */
const TOLD_MAX = 30;
/** How long a question waits for the run to end parked with it. */
const HELD_MS = 300;

export interface NewsTeller {
  event(event: Event): void;
  /** What is still held is not told: the end of the run says it. */
  end(): void;
}

export function tellNews(progress: Progress, say: (news: News) => void): NewsTeller {
  let held: News[] = [];
  let timer: NodeJS.Timeout | undefined;
  let told = 0;
  const tell = (news: News): void => {
    told += 1;
    if (told <= TOLD_MAX) say(news);
    if (told === TOLD_MAX) say({ mark: '…', text: pasteable('more of these are not told here; amdahl show has them all'), waits: false });
  };
  const release = (): void => {
    const all = held;
    held = [];
    timer = undefined;
    all.forEach(tell);
  };
  return {
    event(event) {
      const news = newsOf(event, progress);
      if (news === undefined) return;
      if (!news.waits) return tell(news);
      held.push(news);
      timer ??= setTimeout(release, HELD_MS);
    },
    end() {
      clearTimeout(timer);
      held = [];
    },
  };
}
