// For tests of programs that use amdahl: runs in which stand-ins answer, models that follow a script, play a tape or refuse
// to be asked, and a server that stands in for providers.

export type { CassetteOptions } from './model/cassette.ts';
export { lastMessage, scripted, type ScriptedModel, type ScriptedTurn } from './model/scripted.ts';
export { deny } from './run/models.ts';
export { cassette } from './run/tape.ts';
export type { Answer, Answers } from './modelServer/answers.ts';
export type { Delay } from './modelServer/delay.ts';
export type { Fault, FaultName, Faults } from './modelServer/faults.ts';
export type { ModelServerOptions } from './modelServer/options.ts';
export type { ModelServerStats, RequestRecord } from './modelServer/records.ts';
export { startModelServer, type ModelServer } from './modelServer/server.ts';
export type { LimitHeaders, Throttle } from './modelServer/throttle.ts';
export type { Asked } from './modelServer/wire.ts';
export type { TestCall, TestEvidence, TestPrompt, TestToolCall } from './testing/evidence.ts';
export { madeUp } from './testing/madeUp.ts';
export { journalToScript, type Script, type ScriptAnswer, type ScriptResult, type ScriptTalk, type ScriptTurn } from './testing/script.ts';
export type { CodeStandIn, ModelStandIn } from './testing/standIns.ts';
export { TestError, testRun, type TestOptions, type TestResult } from './testing/testRun.ts';
export { testScript } from './testing/testScript.ts';
