/** Calls of an agent over a network that loses and breaks, in virtual time; the subjects are cancelled at every point. */
import { describe, expect, it } from "@effect/vitest"
import { TaskState } from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { TaskOutcome } from "rescind/fibers"
import { CancelEverywhere, Explore, Simulation } from "rescind/testing"
import * as Deadline from "../../../src/combinators/Deadline.ts"
import * as RemoteAgent from "../../../src/http/a2a/RemoteAgent.ts"
import { subjects } from "../../proof/subjects/http/remoteAgent.ts"
import { FakeAgent, type Options } from "./fakeAgent.ts"

const spaced = Schedule.upTo(Schedule.spaced("1 second"), { times: 3 })

/** What became of it, in virtual time. */
const using = <A, E>(
  options: Options & { readonly client?: RemoteAgent.Options },
  use: (remote: RemoteAgent.RemoteAgent, agent: FakeAgent) => Effect.Effect<A, E>
) => {
  const agent = new FakeAgent(options)
  const log: Array<unknown> = []
  const trial = Simulation.run(
    RemoteAgent.make({ card: agent.card, retry: spaced, ...options.client }).pipe(
      Effect.provideService(HttpClient.HttpClient, agent.client),
      Effect.flatMap((remote) => use(remote, agent)),
      Effect.provide(Logger.layer([Logger.make(({ message }) => log.push(message))]))
    )
  )
  return {
    agent,
    log,
    took: trial.took,
    outcome: trial.outcome as TaskOutcome.TaskOutcome<A, E>,
    findings: trial.findings
  }
}

const valueOf = <A, E>(outcome: TaskOutcome.TaskOutcome<A, E>): A => {
  if (outcome._tag !== "Completed") throw new Error(JSON.stringify(outcome))
  return outcome.value
}

const methods = ({ asked }: FakeAgent): ReadonlyArray<string> => asked.map(({ method }) => method)

describe("RemoteAgent", () => {
  it.each(subjects)("$name", ({ allow, everywhere, explore, invariant, program }) => {
    expect(CancelEverywhere.check(program, { allow, invariant, ...everywhere }).runs).toBeGreaterThan(1)
    expect(Explore.check(program, { allow, invariant, ...explore }).runs).toBeGreaterThan(1)
  })

  it("hands out what was published, in order, with the task", () => {
    const { agent, outcome } = using({}, (remote) => remote.ask("all", { contextId: "c", metadata: { a: 1 } }))
    const { parts, task, text } = valueOf(outcome)
    expect(text).toBe("one two")
    expect(parts).toHaveLength(2)
    expect(task).toMatchObject({ id: "task-1", status: { state: TaskState.TASK_STATE_COMPLETED } })
    expect(agent.asked[0]!.headers).toMatchObject({ "a2a-version": "1.0", accept: "text/event-stream" })
    expect(agent.asked[0]!.params).toMatchObject({
      message: { contextId: "c", role: "ROLE_USER", parts: [{ text: "all" }] },
      metadata: { a: 1 }
    })
  })

  it("has in an artifact what each of its pieces says of it", () => {
    const one = { name: "It", extensions: ["urn:one"], metadata: { a: 1 } }
    const two = { description: "Both", extensions: ["urn:two", "urn:one"], metadata: { b: 2 } }
    const steps = [
      { at: 1, chunk: "one ", of: one },
      { at: 2, chunk: "two", of: two },
      { at: 3, state: "TASK_STATE_COMPLETED" }
    ]
    const { outcome } = using({ steps }, (remote) => remote.ask("all"))
    expect(valueOf(outcome).task!.artifacts).toMatchObject([
      {
        name: "It",
        description: "Both",
        extensions: ["urn:one", "urn:two"],
        metadata: { a: 1, b: 2 },
        parts: [{ content: { value: "one " } }, { content: { value: "two" } }]
      }
    ])
  })

  it("what an agent says with its last status is the answer of one that publishes nothing; so is a message", () => {
    const said = using({ steps: [{ at: 1, state: "TASK_STATE_COMPLETED", text: "so be it" }] }, (remote) =>
      remote.ask("all")
    )
    expect(valueOf(said.outcome).text).toBe("so be it")
    for (const streaming of [true, false]) {
      const message = using({ message: "hello", streaming }, (remote) => remote.ask("all"))
      expect(valueOf(message.outcome)).toMatchObject({ text: "hello" })
      expect("task" in valueOf(message.outcome)).toBe(false)
      expect(methods(message.agent)).toHaveLength(1)
    }
  })

  it.each([
    ["TASK_STATE_FAILED", "AgentFailed", 'Agent "fake" failed: too hard'],
    ["TASK_STATE_REJECTED", "AgentRejected", 'Agent "fake" rejected the task: too hard'],
    ["TASK_STATE_CANCELED", "AgentCancelled", 'The task task-1 of agent "fake" was cancelled (interrupt): too hard'],
    [
      "TASK_STATE_INPUT_REQUIRED",
      "InputRequired",
      'Agent "fake" asks for input: too hard; call `answer`, or pass `onInput`'
    ]
  ])("%s fails with %s, and nothing is cancelled", (state, tag, message) => {
    const { agent, outcome } = using({ steps: [{ at: 5, state, text: "too hard" }] }, (remote) =>
      Effect.flip(remote.ask("all"))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: tag, message, task: { id: "task-1" } })
    expect(methods(agent)).toEqual(["SendStreamingMessage"])
  })

  it("of a task that somebody else cancelled it reads why, by whom and how", () => {
    const { outcome } = using({}, (remote) =>
      Effect.gen(function* () {
        const asking = yield* Effect.forkChild(Effect.flip(remote.ask("all")))
        yield* Effect.sleep(10)
        yield* remote.cancel("task-1", { message: "not needed", by: "ann" })
        return yield* Fiber.join(asking)
      })
    )
    const error = valueOf(outcome)
    expect(error).toMatchObject({
      _tag: "AgentCancelled",
      how: "interrupted",
      reason: { source: "request", message: "not needed", by: "ann", scope: "task-1" }
    })
    expect(error.message).toBe('The task task-1 of agent "fake" was cancelled by ann (request): not needed')
  })

  it("a question is answered by whoever caught it, in the same task", () => {
    const { agent, outcome } = using(
      { steps: [{ at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }] },
      (remote) =>
        Effect.catchIf(
          remote.ask("some"),
          (error) => error._tag === "InputRequired",
          (error) => error.answer("these")
        )
    )
    expect(valueOf(outcome)).toMatchObject({ text: "one two", task: { id: "task-1" } })
    expect(agent.asked[1]!.params.message).toMatchObject({
      taskId: "task-1",
      contextId: "c",
      parts: [{ text: "these" }]
    })
  })

  it("`onInput` is given the question, and its failure cancels the task", () => {
    const { agent, outcome } = using(
      { steps: [{ at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }] },
      (remote) => Effect.flip(remote.ask("some", { onInput: ({ text }) => Effect.fail(`who knows ${text}`) }))
    )
    expect(valueOf(outcome)).toBe("who knows which?")
    expect(methods(agent)).toEqual(["SendStreamingMessage", "CancelTask"])
    expect(agent.tasks[0]!.cancelled!.metadata).toMatchObject({ source: "scope-closed", reason: "The caller failed" })
  })

  it("an agent that begins with the task as it was does not ask again", () => {
    const options: Options = { repeats: true, steps: [{ at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }] }
    const inPlace = using(options, (remote) => remote.ask("some", { onInput: () => Effect.succeed("these") }))
    expect(valueOf(inPlace.outcome).text).toBe("one two")
    const answered = using(options, (remote) =>
      Effect.catchIf(
        remote.ask("some"),
        (error) => error._tag === "InputRequired",
        (error) => error.answer("these")
      )
    )
    expect(valueOf(answered.outcome).text).toBe("one two")
    const byId = using(options, (remote) =>
      Effect.andThen(Effect.ignore(remote.ask("some")), remote.ask("these", { taskId: "task-1" }))
    )
    expect(valueOf(byId.outcome).text).toBe("one two")
  })

  it("a question may be followed by another", () => {
    const question = { at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }
    const { outcome } = using({ steps: [question], afterAnswer: [{ at: 3, chunk: "so " }, question] }, (remote) =>
      Effect.flip(
        remote.ask("some", {
          onInput: ({ task }) => (task.artifacts.length > 0 ? Effect.fail("enough") : Effect.succeed("x"))
        })
      )
    )
    expect(valueOf(outcome)).toBe("enough")
  })

  it("the trace goes along", () => {
    const { agent } = using({}, (remote) => Effect.withSpan(remote.ask("all"), "report"))
    expect(agent.asked[0]!.headers["traceparent"]).toMatch(/^00-/)
  })

  it("a stream that breaks is followed by a subscription, and one that has ended meanwhile is read", () => {
    const torn = using({ faultOf: (_, index) => (index < 2 ? { torn: 2 } : undefined) }, (remote) =>
      Stream.runCollect(remote.stream("all"))
    )
    expect(methods(torn.agent)).toEqual(["SendStreamingMessage", "SubscribeToTask", "GetTask"])
    const events = valueOf(torn.outcome)
    expect(events.at(-1)).toMatchObject({
      payload: { $case: "task", value: { status: { state: TaskState.TASK_STATE_COMPLETED } } }
    })
  })

  it("a stream that ends early is no end of the task", () => {
    const { agent, outcome } = using({ faultOf: (_, index) => (index === 0 ? { ends: 2 } : undefined) }, (remote) =>
      remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(methods(agent)[1]).toMatch("SubscribeToTask")
  })

  it("a connection that has gone quiet is followed by another", () => {
    const { agent, outcome, took } = using(
      {
        steps: [{ at: 1_500, state: "TASK_STATE_COMPLETED", text: "at last" }],
        faultOf: (_, index) => (index === 0 ? { quiet: 1 } : undefined),
        client: { silence: "1 second" }
      },
      (remote) => remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("at last")
    expect(methods(agent)[1]).toBe("SubscribeToTask")
    expect(agent.asked[0]!.closedAt).toBeGreaterThanOrEqual(1_000)
    expect(took).toBeLessThan(2_400)
  })

  it("a first event that takes minutes is waited for", () => {
    const { agent, outcome } = using(
      { faultOf: (_, index) => (index === 0 ? { answers: 200_000 } : undefined) },
      (remote) => remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(agent.tasks).toHaveLength(1)
  })

  it("a message whose answer is lost is found again by its id, and not sent twice", () => {
    const { agent, outcome } = using(
      { faultOf: (_, index) => (index === 0 ? { lost: "answer" } : undefined) },
      (remote) => remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(methods(agent).slice(0, 2)).toEqual(["SendStreamingMessage", "ListTasks"])
    expect(agent.tasks).toHaveLength(1)
  })

  it("what a proxy answers leaves open whether the agent has the message", () => {
    const { agent, outcome } = using(
      { faultOf: (_, index) => (index === 0 ? { refused: { status: 502, behind: true } } : undefined) },
      (remote) => remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(agent.tasks).toHaveLength(1)
  })

  it("a message that arrives when its sender has given up waiting is looked for again, and its task cancelled", () => {
    const { agent, took } = using(
      {
        faultOf: (_, index) => (index === 0 ? { arrives: 1_200, answers: 60_000 } : undefined),
        steps: [{ at: 30_000, state: "TASK_STATE_COMPLETED" }],
        client: { giveUp: "1 second" }
      },
      (remote) => Effect.timeoutOption(remote.ask("all"), 12)
    )
    expect(agent.tasks[0]!.cancelled).toBeDefined()
    expect(took).toBeLessThan(2_012)
  })

  it("one that never arrived is sent again, under the same id", () => {
    const { agent, outcome } = using(
      { faultOf: (_, index) => (index === 0 ? { lost: "request" } : undefined) },
      (remote) => remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(methods(agent)).toEqual(["SendStreamingMessage", "ListTasks", "SendStreamingMessage"])
    expect(agent.asked[2]!.params.message.messageId).toBe(agent.asked[0]!.params.message.messageId)
  })

  it.each(["no", "no-history"] as const)(
    "an agent that cannot tell (lists: %s) is not asked a second time",
    (lists) => {
      const { agent, log, outcome } = using(
        { lists, faultOf: (_, index) => (index === 0 ? { lost: "answer" } : undefined) },
        (remote) => Effect.flip(remote.ask("all", { messageId: "m-1" }))
      )
      expect(valueOf(outcome)).toMatchObject({ _tag: "AnswerLost", messageId: "m-1" })
      expect(agent.tasks).toHaveLength(1)
      // Nor could it be cancelled, and somebody should know.
      expect(String(log)).toContain("A task of the message m-1")
    }
  )

  it("a lost answer to a question is looked for in the task", () => {
    const { agent, outcome } = using(
      {
        steps: [{ at: 5, state: "TASK_STATE_INPUT_REQUIRED", text: "which?" }],
        faultOf: (_, index) => (index === 1 ? { lost: "answer" } : index === 3 ? { lost: "request" } : undefined)
      },
      (remote) => remote.ask("some", { onInput: () => Effect.succeed("these") })
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(agent.tasks[0]!.messages).toHaveLength(2)
  })

  it.each([429, 503])("%i is tried again, not before its Retry-After", (status) => {
    const refused = { status, error: { code: -32603, message: "busy" }, headers: { "retry-after": "7" } }
    const { agent, outcome, took } = using({ faultOf: (_, index) => (index < 2 ? { refused } : undefined) }, (remote) =>
      remote.ask("all")
    )
    expect(valueOf(outcome).text).toBe("one two")
    expect(methods(agent)).toEqual(["SendStreamingMessage", "SendStreamingMessage", "SendStreamingMessage"])
    expect(took).toBeGreaterThanOrEqual(14_000)
    expect(took).toBeLessThan(14_100)
  })

  it("an error of the protocol is final, and leaves the task that was answered alone", () => {
    const { agent, outcome } = using({}, (remote) =>
      Effect.gen(function* () {
        const first = yield* remote.ask("all")
        return yield* Effect.flip(remote.ask("more", { taskId: first.task!.id }))
      })
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "AgentRefused", error: { reason: "UNSUPPORTED_OPERATION" } })
    expect(valueOf(outcome).message).toBe(
      'Agent "fake" refused SendStreamingMessage (UNSUPPORTED_OPERATION): It does not ask'
    )
    expect(methods(agent)).not.toContain("CancelTask")
  })

  it("an answer that is none of A2A is refused with its status", () => {
    const { outcome } = using({ faultOf: () => ({ refused: { status: 403 } }) }, (remote) =>
      Effect.flip(remote.ask("all"))
    )
    expect(valueOf(outcome)).toMatchObject({ _tag: "AgentRefused", status: 403 })
    expect("error" in valueOf(outcome)).toBe(false)
  })

  it("a caller that gives up waiting cancels, and is held up no longer than the bounds", () => {
    const { agent, log, took } = using(
      {
        faultOf: ({ method }) => (method === "CancelTask" ? { hangs: true } : undefined),
        client: { giveUp: "1 second" }
      },
      (remote) => Effect.timeoutOption(remote.ask("all"), 12)
    )
    expect(methods(agent)).toEqual(["SendStreamingMessage", "CancelTask"])
    expect(took).toBe(1012)
    expect(String(log)).toContain('The task task-1 of agent "fake" may still run')
  })

  it.each(["answer", "request"] as const)("a cancel whose %s is lost is sent again", (lost) => {
    const { agent } = using({ faultOf: (_, index) => (index === 1 ? { lost } : undefined) }, (remote) =>
      Effect.timeoutOption(remote.ask("all"), 12)
    )
    expect(methods(agent)).toEqual(["SendStreamingMessage", "CancelTask", "CancelTask"])
    expect(agent.running(10_000)).toEqual([])
  })

  it("a task that ends while its cancel is under way is left at that", () => {
    const { agent, log } = using(
      { faultOf: ({ method }) => (method === "CancelTask" ? { arrives: 50 } : undefined) },
      (remote) => Effect.timeoutOption(remote.ask("all"), 12)
    )
    expect(methods(agent)).toEqual(["SendStreamingMessage", "CancelTask"])
    expect(agent.tasks[0]!.cancelled).toBeUndefined()
    expect(log).toEqual([])
  })

  it("what is left of the deadline goes along, and a cancel by it says so", () => {
    const { agent } = using({ steps: [{ at: 90_000, state: "TASK_STATE_COMPLETED" }] }, (remote) =>
      Effect.flip(Deadline.run(remote.ask("all"), "2 seconds"))
    )
    expect(agent.asked[0]!.headers["deadline-ms"]).toBe("2000")
    expect(agent.tasks[0]!.cancelled!.metadata.source).toBe("timeout")
    expect(agent.asked[1]!.headers["deadline-ms"]).toBeUndefined()
  })

  it("a detached ask leaves its task to itself", () => {
    const { agent } = using({}, (remote) => Effect.timeoutOption(remote.ask("all", { onInterrupt: "detach" }), 12))
    expect(methods(agent)).toEqual(["SendStreamingMessage"])
  })

  it("an agent without streams is asked again and again, and not told to block", () => {
    const { agent, outcome } = using({ streaming: false }, (remote) => Stream.runCollect(remote.stream("all")))
    expect(agent.asked[0]).toMatchObject({
      method: "SendMessage",
      params: { configuration: { returnImmediately: true } }
    })
    expect(valueOf(outcome).length).toBeLessThanOrEqual(4)
  })

  it.effect("a card that offers no way it can speak names what it offers", () =>
    Effect.gen(function* () {
      const { card } = new FakeAgent()
      const [at] = card.supportedInterfaces
      const grpc = { ...card, supportedInterfaces: [{ ...at!, protocolBinding: "GRPC" }] }
      const error = yield* Effect.flip(RemoteAgent.make({ card: grpc }))
      expect(error.message).toContain("must have JSONRPC or HTTP+JSON of A2A 1.0, but it has GRPC of 1.0")
    }).pipe(Effect.provideService(HttpClient.HttpClient, new FakeAgent().client))
  )
})
