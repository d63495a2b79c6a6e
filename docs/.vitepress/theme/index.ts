// The look of the site: VitePress's own, in the fonts of the reader's system.

import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import './site.css';

const theme: Theme = DefaultTheme;
export default theme;
