// The tests of examples/testing/ are tests of this project too.

import '../../examples/testing/support.test.ts';
