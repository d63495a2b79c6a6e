// A bounded number at a time, for contenders that bring nothing of the kind.

/** What `work` gives for each item, in order, from `inFlight` workers. */
export async function inWorkers<T, R>(list: readonly T[], inFlight: number, work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const left = list.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, list.length) }, worker));
  return results;
}
