// Words that a generated answer is made of. None is a placeholder, so that checks take them for text.

import { type Dice, oneOf } from './dice.ts';

const WORDS =
  'amber anchor autumn barley basin beacon birch bramble breeze bridge canyon cedar cinder clover cobalt copper coral cotton current delta drift ember falcon fern field flint forest garnet glacier granite grove harbor hazel heron hollow indigo island ivory juniper kettle lagoon lantern larch laurel ledger lichen linen maple marble marsh meadow mill mist moss north oak ochre orchard otter pebble pine plain poplar prairie quarry quartz rain raven reed ridge river robin rowan saffron sage sand shore silver slate spruce stone stream summit sunrise thistle thyme timber tundra valley velvet violet walnut water willow winter wren'.split(
    ' ',
  );

/** Words with blanks between them. Pure but for the dice. */
export function phrase(random: Dice, words: number): string {
  return Array.from({ length: words }, () => oneOf(random, WORDS)).join(' ');
}
