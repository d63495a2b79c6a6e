// For tests of programs that use amdahl: models that follow a script, or refuse to be asked.

export { scripted, type ScriptedModel, type ScriptedTurn } from './model/scripted.ts';
export { deny } from './run/models.ts';
