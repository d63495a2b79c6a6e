// Which addresses of files a model takes instead of their bytes, as its provider package says. Called by run/files.ts.

import type { LanguageModelV4 } from '@ai-sdk/provider';

/** Whether every one of these models takes this address for a file of this kind. */
export async function urlTaken(models: readonly LanguageModelV4[], mediaType: string, url: string): Promise<boolean> {
  for (const model of models) {
    const supported = await model.supportedUrls;
    const taken = Object.entries(supported).some(
      ([types, patterns]) =>
        covers(types.toLowerCase(), mediaType.toLowerCase()) && patterns.some((pattern) => new RegExp(pattern).test(url)),
    );
    if (!taken) return false;
  }
  return models.length > 0;
}

/** 'image/*' covers 'image/png'; '*' and '*\/*' cover everything. */
function covers(types: string, mediaType: string): boolean {
  if (types === '*' || types === '*/*') return true;
  return types.endsWith('/*') ? mediaType.startsWith(types.slice(0, -1)) : types === mediaType;
}
