// Words and signs that go with numbers: scales (k, million), shares (%, bps) and units with their factors. amounts.ts
// reads numbers with them, so that "1.5 km" and 1500 (in metres) are the same amount.

/** A unit: base = (value + offset) x factor. Amounts of one dimension can be compared by their base. */
export interface Unit {
  readonly dimension: string;
  readonly factor: number;
  readonly offset: number;
}

/** What one word after (or before) a number can mean: some, like `m`, mean several things. */
export interface Meaning {
  /** What the number is multiplied by: million, k, dozen. */
  readonly scale?: number;
  /** What share of one the number is in: 0.01 for %. */
  readonly share?: number;
  readonly unit?: Unit;
}

const scales: readonly [number, string][] = [
  [12, 'dozen dozens'],
  [100, 'hundred hundreds'],
  [1e3, 'k K thousand thousands tsd thsd'],
  [1e5, 'lakh lakhs'],
  [1e6, 'm M mm MM mn mio million millions mil'],
  [1e7, 'crore crores'],
  [1e9, 'b B bn billion billions mrd G'],
  [1e12, 't T tn trillion trillions'],
];

const shares: readonly [number, string][] = [
  [0.01, '% percent pct percentage percents pp'],
  [0.001, '‰ permille'],
  [0.0001, 'bps bp'],
];

/** Factors to the first unit of each dimension. SI and international yard and pound (NIST SP 811, appendix B). */
const units: Readonly<Record<string, readonly [number, string][]>> = {
  time: [
    [1, 's sec secs second seconds'],
    [1e-9, 'ns nanoseconds'],
    [1e-6, 'µs μs micros microseconds'],
    [1e-3, 'ms msec millis millisecond milliseconds'],
    [60, 'm min mins minute minutes'],
    [3600, 'h hr hrs hour hours'],
    [86_400, 'd day days'],
    [604_800, 'w wk week weeks'],
  ],
  calendar: [
    [1, 'mo month months'],
    [3, 'quarter quarters'],
    [12, 'y yr yrs year years'],
  ],
  length: [
    [1, 'm meter meters metre metres'],
    [1e-3, 'mm millimeter millimeters millimetre millimetres'],
    [1e-2, 'cm centimeter centimeters centimetre centimetres'],
    [1e3, 'km kilometer kilometers kilometre kilometres'],
    [0.0254, 'inch inches'],
    [0.3048, 'ft foot feet'],
    [0.9144, 'yd yard yards'],
    [1609.344, 'mi mile miles'],
  ],
  mass: [
    [1, 'g gram grams'],
    [1e-3, 'mg milligram milligrams'],
    [1e3, 'kg kgs kilo kilos kilogram kilograms'],
    [1e6, 't tonne tonnes ton tons'],
    [453.59237, 'lb lbs pound pounds'],
    [28.349523125, 'oz ounce ounces'],
  ],
  volume: [
    [1, 'l L liter liters litre litres'],
    [1e-3, 'ml mL milliliter milliliters millilitre millilitres'],
    [3.785411784, 'gal gallon gallons'],
  ],
  data: [
    [1, 'B byte bytes'],
    [1e3, 'kB KB kb kilobyte kilobytes'],
    [1e6, 'MB Mb mb megabyte megabytes'],
    [1e9, 'GB Gb gb gigabyte gigabytes'],
    [1e12, 'TB Tb tb terabyte terabytes'],
    // Both readings of the same words are in use.
    [1024, 'KiB kib kB KB kb kilobyte kilobytes'],
    [1024 ** 2, 'MiB mib MB Mb mb megabyte megabytes'],
    [1024 ** 3, 'GiB gib GB Gb gb gigabyte gigabytes'],
    [1024 ** 4, 'TiB tib TB Tb tb terabyte terabytes'],
  ],
  frequency: [
    [1, 'Hz hz'],
    [1e3, 'kHz khz'],
    [1e6, 'MHz mhz'],
    [1e9, 'GHz ghz'],
  ],
  power: [
    [1, 'W watt watts'],
    [1e3, 'kW kw kilowatt kilowatts'],
    [1e6, 'MW megawatt megawatts'],
    [1e9, 'GW gigawatt gigawatts'],
  ],
  energy: [
    [1, 'Wh'],
    [1e3, 'kWh kwh'],
    [1e6, 'MWh mwh'],
    [1e9, 'GWh gwh'],
  ],
  speed: [
    [1, 'm/s mps'],
    [1 / 3.6, 'km/h kph kmh'],
    [0.44704, 'mph'],
  ],
  money: [
    [1, 'usd eur gbp chf dollar dollars euro euros pound pounds'],
    [0.01, '¢ ct cent cents'],
    [1e-6, 'micros'],
  ],
};

/** Degrees have no common zero: base is degrees Celsius. */
const degrees: readonly [number, number, string][] = [
  [1, 0, '°C C celsius'],
  [5 / 9, -32, '°F F fahrenheit'],
  [1, -273.15, 'K kelvin'],
];

const meanings = new Map<string, Meaning[]>();
const unitsByDimension = new Map<string, Unit[]>();

function learn(words: string, meaning: Meaning): void {
  for (const word of words.split(' ')) meanings.set(word, [...(meanings.get(word) ?? []), meaning]);
  const { unit } = meaning;
  if (unit !== undefined) unitsByDimension.set(unit.dimension, [...(unitsByDimension.get(unit.dimension) ?? []), unit]);
}

for (const [scale, words] of scales) learn(words, { scale });
for (const [share, words] of shares) learn(words, { share });
for (const [dimension, list] of Object.entries(units)) {
  for (const [factor, words] of list) learn(words, { unit: { dimension, factor, offset: 0 } });
}
for (const [factor, offset, words] of degrees) learn(words, { unit: { dimension: 'temperature', factor, offset } });

/** What a word next to a number can mean; none for other words. Pure. */
export function meaningsOf(word: string): readonly Meaning[] {
  const bare = word.replace(/\.$/, '');
  return meanings.get(bare) ?? (bare.length > 2 ? (meanings.get(bare.toLowerCase()) ?? []) : []);
}

/** All units of a dimension. Pure. */
export function unitsOf(dimension: string): readonly Unit[] {
  return unitsByDimension.get(dimension) ?? [];
}

/** Words in field names that say the unit of the number in it; short ones could be anything there. */
const shareNames = new Set(['percent', 'percentage', 'pct', 'ratio', 'fraction', 'share', 'rate', 'probability', 'prob']);

/** What the name of a field says about the number in it: `durationMs`, `size_bytes`, `growthPercent`, `revenueMillions`. Pure. */
export function meaningsOfName(name: string): readonly Meaning[] {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u);
  return words.flatMap((word) => {
    if (shareNames.has(word)) return [{ share: 0.01 }];
    if (word === 'ms' || word === 'kb' || word === 'mb' || word === 'gb' || word === 'km' || word === 'kg') return meaningsOf(word);
    return word.length > 2 ? meaningsOf(word) : [];
  });
}
