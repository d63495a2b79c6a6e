// Stands in for the test runner where the tests of docs/testing.md run as a program.

export async function test(title: string, body: () => Promise<void>): Promise<void> {
  await body();
  console.log(`passed: ${title}`);
}
