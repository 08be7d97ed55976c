/** What holds for something that serves requests as long as its scope is open. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Checked, Trial } from "../Trial.ts"
import { closings, law, type Law, type LawOptions, leftovers, type Scenario } from "./Law.ts"
import { mentions } from "./mentions.ts"
import { dies, fails, nameOf, type Role, Stage, succeeds, valueOf, when } from "./stage.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface ServerOptions extends LawOptions {
  /** A client that is interrupted cancels the handler of its request. Default: true. */
  readonly cancelsOnLeave?: boolean | undefined
  /** How long closing takes beyond the slowest clean-up of a handler, in virtual milliseconds. Default: 0. */
  readonly closesWithin?: number | undefined
}

/**
 * What a server is for its laws: started with a handler, it gives a function that sends the request of that number and
 * ends with its answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Server = (
  handle: (request: number) => Effect.Effect<string, string>
) => Effect.Effect<(request: number) => Effect.Effect<unknown, unknown>, unknown, Scope.Scope>

/** When the scope of the server closes. */
const closesAt = 10

/** One ends in time, two are in flight when it closes, and the last comes too late. */
const roles: ReadonlyArray<Role> = [
  succeeds(2),
  succeeds(1000, 5),
  succeeds(1000, 3),
  fails(4),
  dies(6),
  succeeds(8),
  succeeds(0)
]
const inFlight = [1, 2]
const late = roles.length - 1

interface Served {
  readonly stage: Stage
  /** By request. */
  readonly answers: Map<number, Exit.Exit<unknown, unknown>>
  /** Milliseconds that closing took. */
  closing: number
}

/** `session` gets a function that sends a request on a fiber of its own, and the server's scope. */
const serving = (
  where: string,
  server: Server,
  session: (
    send: (request: number) => Effect.Effect<Fiber.Fiber<unknown>>,
    close: Effect.Effect<void>
  ) => Effect.Effect<unknown, unknown>,
  says: (served: Served, trial: Trial) => string | undefined = () => undefined,
  how: Pick<Scenario, "calm" | "again"> = {}
): Scenario => ({
  where,
  program: (): Checked<unknown, unknown> => {
    const stage = new Stage(roles)
    const served: Served = { stage, answers: new Map(), closing: 0 }
    const program = Effect.gen(function* () {
      const scope = yield* Effect.acquireRelease(Scope.make(), (made, exit) => Scope.close(made, exit))
      const request = yield* Scope.provide(
        server((number) => stage.members[number]!),
        scope
      )
      const send = (number: number) =>
        Effect.forkChild(
          Effect.map(Effect.exit(Effect.suspend(() => request(number))), (exit) => {
            served.answers.set(number, exit)
          }),
          { startImmediately: true }
        )
      const close = Effect.clockWith((clock) =>
        Effect.suspend(() => {
          const since = clock.currentTimeMillisUnsafe()
          return Effect.tap(stage.observed(Scope.close(scope, Exit.void)), () =>
            Effect.sync(() => {
              served.closing = clock.currentTimeMillisUnsafe() - since
            })
          )
        })
      )
      yield* session(send, close)
    })
    return { program, invariant: (trial) => says(served, trial) }
  },
  ...how
})

export const serverLaws = (server: Server, options: ServerOptions = {}): ReadonlyArray<Law> => {
  const { cancelsOnLeave = true, closesWithin = 0 } = options
  const calm = { calm: true }
  const day = (how: Pick<Scenario, "calm" | "again">, says?: (served: Served, trial: Trial) => string | undefined) =>
    serving(
      "it closes with requests in flight",
      server,
      (send, close) =>
        Effect.gen(function* () {
          const clients: Array<Fiber.Fiber<unknown>> = []
          for (let request = 0; request < late; request++) clients.push(yield* send(request))
          yield* Effect.sleep(closesAt)
          yield* close
          clients.push(yield* send(late))
          for (const client of clients) yield* Fiber.await(client)
        }),
      says,
      how
    )
  return [
    law(
      "K1",
      "A request is answered with what its handler returns",
      [],
      [day(calm, ({ answers }) => unanswered(answers, 0) ?? unanswered(answers, 5))],
      options
    ),
    law(
      "K11",
      "A handler that fails or dies leaves the other requests alone",
      [],
      [
        day(calm, ({ stage }, trial) =>
          stage.hasFinished(5, trial) ? undefined : `${nameOf(5)} did not come to its end after others had failed`
        )
      ],
      options
    ),
    law(
      "K45",
      "Every request gets an answer, also those in flight when it closes and those that come later",
      [],
      [
        day(calm, ({ answers }) => {
          const silent = [...roles.keys()].find((request) => !answers.has(request))
          return silent === undefined ? undefined : `request ${silent} was never answered`
        })
      ],
      options
    ),
    law(
      "K18",
      "Closing its scope cancels every request in flight, and each handler can read why",
      [],
      [
        day(calm, (_, { ledger }) => {
          for (const request of inFlight) {
            const end = ledger.ended.find(({ name }) => name === nameOf(request))
            if (end?.interrupted !== true) return `${nameOf(request)} was not interrupted`
            if (end.reason === undefined) return `${nameOf(request)} was interrupted and could not read why`
          }
          return undefined
        })
      ],
      options
    ),
    law(
      "K45",
      "When it has closed every handler has ended and cleaned up",
      closings,
      [
        day(calm, ({ stage: { openAtReturn = [] } }) =>
          openAtReturn.length === 0 ? undefined : `it had closed while these still ran: ${openAtReturn.join(", ")}`
        )
      ],
      options
    ),
    law(
      "K4",
      "Closing tells all handlers at once: it takes as long as the slowest clean-up",
      [],
      [
        day(calm, ({ closing }) =>
          closing <= 5 + closesWithin ? undefined : `it took ${closing} ms instead of ${5 + closesWithin} ms`
        )
      ],
      options
    ),
    law(
      "K5",
      "Once it has closed no handler starts",
      [],
      [
        day(calm, (_, { ledger }) =>
          ledger.work.some(({ name }) => name.endsWith(nameOf(late)))
            ? `${nameOf(late)} started after it had closed`
            : undefined
        )
      ],
      options
    ),
    ...when(cancelsOnLeave, () => [
      law(
        "K18",
        "A client that leaves cancels the handler of its request, which can read why, and no other",
        closings,
        [
          serving(
            "one of two clients leaves",
            server,
            (send, close) =>
              Effect.gen(function* () {
                const other = yield* send(0)
                const leaving = yield* send(1)
                yield* Effect.sleep(1)
                yield* Fiber.interrupt(leaving)
                yield* Fiber.await(other)
                yield* Effect.sleep(closesAt)
                yield* close
              }),
            ({ answers }, { ledger }) => {
              const left = ledger.ended.find(({ name }) => name === nameOf(1))
              const gone = ledger.journal.findIndex((line) => line.includes(`${nameOf(1)} interrupted`))
              const end = ledger.journal.findIndex((line) => line.includes(`${nameOf(0)} done`))
              if (left?.interrupted !== true || gone > end)
                return `${nameOf(1)} was not interrupted when its client left`
              if (left.reason === undefined) return `${nameOf(1)} was interrupted and could not read why`
              return unanswered(answers, 0)
            },
            calm
          )
        ],
        options
      )
    ]),
    law(
      "K1",
      "Cancelled at any point, while it starts, serves or closes, it leaves nothing behind",
      [...leftovers, ...closings],
      [day({})],
      options
    ),
    law(
      "K15",
      "A second cancel cuts no clean-up of a handler short",
      [...leftovers, ...closings],
      [day({ again: true })],
      options
    )
  ]
}

const unanswered = (answers: Served["answers"], request: number): string | undefined => {
  const answer = answers.get(request)
  return answer?._tag === "Success" && mentions(answer.value, valueOf(request))
    ? undefined
    : `request ${request} was not answered with ${JSON.stringify(valueOf(request))}`
}
