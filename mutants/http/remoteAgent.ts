/** Breaks of the client of A2A agents: what an interrupt leaves behind, and what a network does to a message. */
import type { Mutant } from "../Mutant.ts"

const remote = ["test/http/a2a/RemoteAgent.test.ts"]
const folder = "src/http/a2a/internal/remote"
const conversation = `${folder}/conversation.ts`
const withdrawing = `${folder}/withdrawing.ts`
const calls = `${folder}/calls.ts`
const wire = `${folder}/wire.ts`
const view = `${folder}/taskView.ts`
const ending = `${folder}/ending.ts`
const agent = `${folder}/remoteAgent.ts`

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "an interrupt leaves the task of a remote agent running",
    law: "K1",
    file: conversation,
    find: "const told = isLeft ? Effect.void :",
    replace: "const told = isLeft || (true as boolean) ? Effect.void :",
    tests: remote
  },
  {
    name: "a connection is closed before the agent is told why",
    law: "K19",
    file: conversation,
    find: "return Effect.ensuring(told, this.hangUp(0))",
    replace: "return Effect.andThen(this.hangUp(0), told)",
    tests: remote
  },
  {
    name: "an interrupt of the reader closes its connection",
    law: "K19",
    file: conversation,
    find: "Effect.flatMap(Effect.forkIn(read, connection, { startImmediately: true }), Fiber.join)",
    replace: "read",
    tests: remote
  },
  {
    name: "a connection that was read is never closed",
    law: "K45",
    file: conversation,
    find: "return Effect.ensuring(told, this.hangUp(0))",
    replace: "return told",
    tests: remote
  },
  {
    name: "a message to an agent can be interrupted before its first event",
    law: "K1",
    file: conversation,
    find: "Shield.run(`send to ${agent}`, sent, { budget: giveUp })",
    replace: "sent",
    tests: remote
  },
  {
    name: "an agent that never answers holds up an interrupt for ever",
    law: "K13",
    file: conversation,
    find: "Shield.run(`send to ${agent}`, sent, { budget: giveUp })",
    replace: "Shield.run(`send to ${agent}`, sent)",
    tests: remote
  },
  {
    name: "a cancel that an agent never answers holds up its caller for ever",
    law: "S2-08",
    file: withdrawing,
    find: "    duration: giveUp,",
    replace: '    duration: "1 hour",',
    tests: remote
  },
  {
    name: "a message whose answer is lost is sent again",
    law: "K37",
    file: conversation,
    find: "Effect.flatMap(this.recognise, (ours) => (ours ? this.resume : this.send))",
    replace: "this.send",
    tests: remote
  },
  {
    name: "a message whose answer is lost is forgotten",
    law: "K1",
    file: conversation,
    find: '(taskId === undefined ? sent === "no" :',
    replace: "(taskId === undefined ? true :",
    tests: remote
  },
  {
    name: "a message is sent again although the agent cannot tell whether it has it",
    law: "K37",
    file: conversation,
    find: 'if (found === "unknown") return yield* Effect.fail(lost("it does not tell by its tasks"))',
    replace: 'if (found === "unknown") return false',
    tests: remote
  },
  {
    name: "an agent without histories is thought to know no message",
    law: "K37",
    file: calls,
    find: 'if (list.tasks.some(({ history }) => history.length === 0)) return "unknown"\n',
    replace: "",
    tests: remote
  },
  {
    name: "a lost answer to a question is given twice",
    law: "K37",
    file: conversation,
    find: "(taskId === undefined || hasMessage(found, messageId) || !this.isAnswered(found.status))",
    replace: "taskId === undefined",
    tests: remote
  },
  {
    name: "a message that was refused is taken for the caller's task",
    law: "K11",
    file: conversation,
    find: "          this.owns = owns\n",
    replace: "",
    tests: remote
  },
  {
    name: "a task that asks is left behind by whoever was to answer",
    law: "S2x-11",
    file: conversation,
    find: "(asks && !answers)",
    replace: "asks",
    tests: remote
  },
  {
    name: "a question that nobody here answers is cancelled",
    law: "S2x-11",
    file: conversation,
    find: "(asks && !answers) ||",
    replace: "(asks && !answers && over) ||",
    tests: remote
  },
  {
    name: "a question that was answered is asked again",
    law: "S2x-11",
    file: conversation,
    find: "return isQuestion(status) && !this.isAnswered(status)",
    replace: "return isQuestion(status)",
    tests: remote
  },
  {
    name: "an agent that begins with the task as it was asks again",
    law: "S2x-11",
    file: conversation,
    find: 'payload?.$case === "task" ? payload.value.status : undefined',
    replace: "undefined",
    tests: remote
  },
  {
    name: "a detached ask cancels its task",
    law: "K11",
    file: conversation,
    find: 'options.onInterrupt === "detach")',
    replace: "false)",
    tests: remote
  },
  {
    name: "a stream of an agent that ends early has ended",
    law: "K38",
    file: conversation,
    find: "this.over || this.asks ? Stream.empty :",
    replace: "(true as boolean) ? Stream.empty :",
    tests: remote
  },
  {
    name: "the first event of a message must not take long",
    law: "K37",
    file: conversation,
    find: 'let hasBegun = call.name === "SubscribeToTask"',
    replace: "let hasBegun = true",
    tests: remote
  },
  {
    name: "an agent that falls silent is waited for",
    law: "S1-12",
    file: conversation,
    find: "hasBegun = true\n",
    replace: "",
    tests: remote
  },
  {
    name: "a task that has ended meanwhile is refused instead of read",
    law: "S2x-09",
    file: conversation,
    find: '(error) => hasReason(error, "UNSUPPORTED_OPERATION"),',
    replace: '(error) => hasReason(error, "NO_SUCH_REASON"),',
    tests: remote
  },
  {
    name: "the deadline stays behind when an agent is asked",
    law: "K33",
    file: conversation,
    find: "const sent = Effect.map(Effect.exit(this.sendOnce(headers)), (exit) => {",
    replace: "const sent = Effect.map(Effect.exit(this.sendOnce({ ...(headers && {}) })), (exit) => {",
    tests: remote
  },
  {
    name: "an agent is not told who cancelled",
    law: "S2-71",
    file: calls,
    find: "...(by === undefined ? {} : { by: clip(by, maxBy) }),",
    replace: "...(by === undefined ? {} : { by: clip(message, maxBy) }),",
    tests: remote
  },
  {
    name: "an agent without streams is told to block",
    law: "S2x-06",
    file: calls,
    find: "returnImmediately: !wire.streams",
    replace: "returnImmediately: wire.streams",
    tests: remote
  },
  {
    name: "a task that ended while its cancel was under way is warned of",
    law: "S2x-07",
    file: withdrawing,
    find: 'hasReason(error, "TASK_NOT_CANCELABLE") ||',
    replace: "",
    tests: remote
  },
  {
    name: "a cancel whose answer is lost is not sent again",
    law: "K8",
    file: withdrawing,
    find: "Effect.retry(cancelTask(wire, id, reason), transiently)",
    replace: "cancelTask(wire, id, reason)",
    tests: remote
  },
  {
    name: "a message that arrives late is not looked for again",
    law: "K1",
    file: withdrawing,
    find: 'Effect.repeat(found, { schedule: hasty, while: (task) => task === "none" })',
    replace: "found",
    tests: remote
  },
  {
    name: "what a proxy refuses was surely not taken",
    law: "K37",
    file: wire,
    find: "error.error !== undefined || (error.status >= 400 && error.status < 500 && error.status !== 408)",
    replace: "error.status > 0",
    tests: remote
  },
  {
    name: "pieces of an artifact replace each other",
    law: "S2x-14",
    file: view,
    find: "if (append && before !== undefined) appendPiece(before, artifact)",
    replace: "if (append && before === artifact) appendPiece(before, artifact)",
    tests: remote
  },
  {
    name: "why a task was cancelled is not read",
    law: "S2-71",
    file: ending,
    find: "task.metadata?.rescind ??",
    replace: "task.metadata?.other ??",
    tests: remote
  },
  {
    name: "the reason of the caller is replaced by another",
    law: "K18",
    file: agent,
    find: "    CancelReason.current,\n",
    replace: "    Effect.succeed(Option.none<CancelReason.CancelReason>()),\n",
    tests: remote
  }
]
