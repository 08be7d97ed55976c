/** Breaks of what the rows of S2 say of an A2A task, wherever it is served. */
import type { Mutant } from "../Mutant.ts"

const home = "src/http/a2a/internal"
const engine = `${home}/engine.ts`
const log = `${home}/agentLog.ts`
const task = `${home}/agentTask.ts`
const turning = `${home}/turning.ts`
const ends = `${home}/endOf.ts`
const modes = ["test/http/a2a/modes.test.ts"]
const patience = ["test/http/a2a/patience.test.ts"]
const races = ["test/http/a2a/races.test.ts"]
const nonsense = ["test/http/a2a/nonsense.test.ts"]
const wishes = ["test/http/a2a/wishes.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a reader of an A2A task that pauses before it waits misses its wake-up",
    law: "S2-39",
    file: log,
    find: "if (this.last > cursor || this.ended) return resume(Effect.void)",
    replace: "",
    tests: races
  },
  {
    name: "a blocking sender that pauses before it waits misses the end",
    law: "S2-39",
    file: engine,
    find: "if (visible.settled) return answer()\n",
    replace: "",
    tests: races
  },
  {
    name: "a client that leaves at the start leaves the task that it followed",
    law: "S2x-09",
    file: engine,
    find: "inOneStep(Effect.tap(taken, (visible) => this.follow(visible, call)))",
    replace: "Effect.tap(taken, (visible) => this.follow(visible, call))",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "who is asked something has left",
    law: "S2x-09",
    file: `${home}/following.ts`,
    find: "linger === undefined && visible.question !== undefined",
    replace: "linger === undefined && visible.question === null",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "a question waits for ever where its task lingers",
    law: "S2x-09",
    file: `${home}/following.ts`,
    find: "linger === undefined && visible.question !== undefined",
    replace: "visible.question !== undefined",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "an agent answers for the tasks of another in the same service",
    law: "S2x-06",
    file: engine,
    find: "companion instanceof AgentTask && companion.home === this.home ?",
    replace: "companion instanceof AgentTask ?",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "who waits for an A2A task is never told that it ended",
    law: "S2-39",
    file: task,
    find: "for (const listener of settling) trampoline(listener)",
    replace: "",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "who waits for an A2A task is not told that it asks",
    law: "S2-39",
    file: task,
    find: "if (this.settled) this.closed()",
    replace: "",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "who waits for an A2A task is told that it works, when its question was answered in the same turn",
    law: "S2-39",
    file: task,
    find: "if (this.settled) this.closed()",
    replace: "this.closed()",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "an artifact that is published again stands twice",
    law: "S2x-06",
    file: `${home}/artifacts.ts`,
    find: "if (before === undefined) this",
    replace: "if (before === undefined || !append) this",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "a status follows the terminal one of an A2A task",
    law: "S2x-01 S2x-02",
    file: task,
    find: "metadata?: Metadata): boolean {\n    if (this.over) return false",
    replace: "metadata?: Metadata): boolean {",
    tests: patience
  },
  {
    name: "an artifact follows the terminal state of an A2A task",
    law: "S2x-01",
    file: task,
    find: "options: ArtifactOptions = {}): boolean {\n    if (this.over) return false",
    replace: "options: ArtifactOptions = {}): boolean {",
    tests: patience
  },
  {
    name: "a question that no interrupt reaches waits for ever",
    law: "S2x-11",
    file: task,
    find: "if (question !== undefined) this.home.later(() => question(undefined))",
    replace: "",
    tests: patience
  },
  {
    name: "what an agent says while it asks takes the question back",
    law: "S2x-10",
    file: task,
    find: "if (this.question === undefined) return void this.setStatus",
    replace: "if (this.status !== undefined) return void this.setStatus",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "what an agent says while it asks ends the streams that wait for the answer",
    law: "S2x-10",
    file: task,
    find: '"statusUpdate", value } }, false)',
    replace: '"statusUpdate", value } }, true)',
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "the extensions of a piece of an artifact are lost",
    law: "S2x-06",
    file: `${home}/appendPiece.ts`,
    find: "if (extensions.length > 0)",
    replace: "if (extensions.length > 99)",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "a task that was given up still asks",
    law: "S2x-01",
    file: turning,
    find: "if (visible.over || isStopping(fiber.getRef(CurrentNode), visible.id)) return resume(Effect.interrupt)",
    replace: "",
    tests: patience
  },
  {
    name: "a cancel of an A2A task is not bounded by its agent",
    law: "S2-08 S2-68",
    file: engine,
    find: ": Task.cancel(visible.running!, { ...this.agent.cancel, reason: reasonOf(metadata, call) })",
    replace: ": Task.cancel(visible.running!, { reason: reasonOf(metadata, call) })",
    tests: patience
  },
  {
    name: "a cancel of an A2A task does not say why",
    law: "S2-71",
    file: engine,
    find: ": Task.cancel(visible.running!, { ...this.agent.cancel, reason: reasonOf(metadata, call) })",
    replace: ": Task.cancel(visible.running!, { ...this.agent.cancel })",
    tests: wishes
  },
  {
    name: "a cancel of a task that ended otherwise answers the task",
    law: "S2-39 S2x-07",
    file: engine,
    find: "visible.over && visible.status.state !== TaskState.TASK_STATE_CANCELED",
    replace: "visible.over && visible.status.state === TaskState.TASK_STATE_REJECTED",
    tests: races
  },
  {
    name: "the metadata of a cancel does not say how it went",
    law: "S2-46",
    file: ends,
    find: "        how,\n",
    replace: "",
    tests: patience
  },
  {
    name: "the partial result of an A2A task is published whether its agent says so or not",
    law: "S2-70",
    file: task,
    find: 'outcome._tag === "Cancelled" && this.home.partialResult && unfinished !== undefined',
    replace: 'outcome._tag === "Cancelled" && unfinished !== undefined',
    tests: wishes
  },
  {
    name: "the partial result of an A2A task is published for one that completes too",
    law: "S2-70",
    file: task,
    find: 'outcome._tag === "Cancelled" && this.home.partialResult && unfinished !== undefined',
    replace: "this.home.partialResult && unfinished !== undefined",
    tests: ["test/examples/a2a-agent/requests.test.ts"]
  },
  {
    name: "an A2A task is WORKING before its work has begun",
    law: "S2-55",
    file: task,
    find: "this.running = task\n",
    replace: "this.running = task\n    this.setStatus(TaskState.TASK_STATE_WORKING)\n",
    tests: modes
  },
  {
    name: "what clients see of a task is kept for ever",
    law: "S2-52 S2-59 S2-61",
    file: task,
    find: "    this.history = [this.addressed(message)]\n",
    replace:
      "    this.history = [this.addressed(message)]\n    const kept: Array<AgentTask> = (Reflect.get(home, 'kept') as Array<AgentTask> | undefined) ?? []\n    Reflect.set(home, 'kept', kept)\n    kept.push(this)\n",
    tests: ["test/http/a2a/memory.test.ts"]
  },
  {
    name: "what JSON cannot say is stored in an A2A task",
    law: "S2x-06",
    file: `${home}/writable.ts`,
    find: "if (text !== undefined) return JSON.parse(text)",
    replace: "return value",
    tests: nonsense
  },
  {
    name: "data that is changed when it was published changes the A2A task",
    law: "S2x-06",
    file: `${home}/writable.ts`,
    find: "return JSON.parse(text)",
    replace: "return value",
    tests: nonsense
  },
  {
    name: "a failure whose message throws leaves its A2A task without an end",
    law: "S2x-02",
    file: ends,
    find: "Result.getOrUndefined(\n    Result.try(() => (error as { readonly message?: unknown } | undefined)?.message)\n  )",
    replace: "(error as { readonly message?: unknown } | undefined)?.message",
    tests: nonsense
  },
  {
    name: "a child that is cancelled alone leaves its question open",
    law: "S2-55",
    file: turning,
    find: "if (!isStopping(fiber.getRef(CurrentNode), visible.id)) visible",
    replace: "if (fiber.getRef(CurrentNode).mark === undefined) visible",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "a task is copied as often as a message refers to it",
    law: "S2x-07",
    file: engine,
    find: "Effect.forEach(new Set(message.referenceTaskIds), (id)",
    replace: "Effect.forEach(message.referenceTaskIds, (id)",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  },
  {
    name: "a partial result that is changed when it was given changes what a cancel publishes",
    law: "S2x-06 S2-70",
    file: turning,
    find: "this.visible.unfinished = toParts(content)",
    replace: "toParts(content)\n        this.visible.unfinished = content",
    tests: nonsense
  },
  {
    name: "whoever leaves the stream of an A2A task stops it, whatever its agent says",
    law: "S2-40 S2x-09",
    file: engine,
    find: 'return this.agent.onDisconnect === "keep"\n      ? events\n',
    replace: "return this.agent.onDisconnect === undefined\n      ? events\n",
    tests: ["test/http/a2a/cancellation.test.ts", "test/http/a2a/AgentEngine.test.ts"]
  }
]
