/** The agent of the example on a free port for the time of one test, with clients of the SDK, and checked for leaks. */
import type * as A2A from "@a2a-js/sdk"
import { type Client, ClientFactory, JsonRpcTransportFactory, RestTransportFactory } from "@a2a-js/sdk/client"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import type { Settings } from "../../../src/examples/a2a-agent/settings.ts"
import { start } from "../../../src/examples/a2a-agent/start.ts"
import * as Stragglers from "../../../src/fibers/Stragglers.ts"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import { requestOf, wordOf } from "../../http/a2a/engines.ts"
import { leakChecked } from "../../support/leaks.ts"
import { eventually } from "../server/fetchEventually.ts"

export type Transport = "JSONRPC" | "HTTP+JSON"

export const transports: ReadonlyArray<Transport> = ["JSONRPC", "HTTP+JSON"]

export interface Site {
  readonly url: string
  readonly tasks: Tasks["Service"]
  readonly streams: OpenStreams["Service"]
  readonly client: Client
  /** Sends a message and follows its task; answers when the first event has come. */
  readonly follow: (text: string, message?: Partial<A2A.Message>) => Effect.Effect<Follower, Error, Scope.Scope>
  readonly subscribe: (id: string) => Effect.Effect<Follower, Error, Scope.Scope>
  readonly cancel: (id: string, reason?: string) => Effect.Effect<A2A.Task, Error>
  readonly get: (id: string) => Effect.Effect<A2A.Task, Error>
  readonly call: <A>(call: (client: Client) => Promise<A>) => Effect.Effect<A, Error>
  /** Waits until all that was told to stop has ended. */
  readonly calm: Effect.Effect<void>
}

export const serving = <A, E>(
  test: (site: Site) => Effect.Effect<A, E, Scope.Scope>,
  { transport = "JSONRPC", ...settings }: Partial<Settings> & { readonly transport?: Transport } = {}
): Effect.Effect<void, E> =>
  Effect.asVoid(leakChecked(Effect.flatMap(open(settings, transport), test), { patience: "20 seconds" })).pipe(
    Effect.provide(Logger.layer([]))
  )

const open = (settings: Partial<Settings>, transport: Transport): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const { context, url } = yield* start({
      host: "127.0.0.1",
      port: 0,
      giveUp: Duration.seconds(2),
      drain: Duration.seconds(10),
      maxTasks: 1000,
      pace: Duration.millis(1),
      stallAfter: undefined,
      ...settings
    }).pipe(Scope.provide(scope), Effect.orDie)
    const factory = transport === "JSONRPC" ? new JsonRpcTransportFactory() : new RestTransportFactory()
    const client = yield* Effect.promise(() => new ClientFactory({ transports: [factory] }).createFromUrl(url))
    const call: Site["call"] = (call) =>
      Effect.tryPromise({ try: () => call(client), catch: (error) => error as Error })
    return {
      url,
      tasks: Context.get(context, Tasks),
      streams: Context.get(context, OpenStreams),
      client,
      call,
      follow: (text, message) => follow((signal) => client.sendMessageStream(requestOf(text, message), { signal })),
      subscribe: (id) => follow((signal) => client.resubscribeTask({ tenant: "", id }, { signal })),
      cancel: (id, reason) =>
        call((client) => client.cancelTask({ tenant: "", id, metadata: reason === undefined ? {} : { reason } })),
      get: (id) => call((client) => client.getTask({ tenant: "", id })),
      calm: Effect.asVoid(eventually(Stragglers.list, (left) => left.length === 0))
    }
  })

type Events = AsyncGenerator<A2A.StreamResponse, void, undefined>

class Follower {
  readonly events: Array<A2A.StreamResponse> = []
  /** One word an event: see `wordOf`. */
  readonly words: Array<string> = []
  readonly leave: Effect.Effect<void>
  /** When the first event has come, or the end. */
  readonly begun: Effect.Effect<void, Error>
  readonly ended: Effect.Effect<ReadonlyArray<string>, Error>

  constructor(events: (signal: AbortSignal) => Events) {
    const controller = new AbortController()
    const first = Promise.withResolvers<void>()
    const reading = async () => {
      for await (const event of events(controller.signal)) {
        this.events.push(event)
        this.words.push(wordOf(event))
        first.resolve()
      }
    }
    const end = reading()
    end.then(first.resolve, first.reject)
    const waiting = (promise: Promise<void>) =>
      Effect.tryPromise({ try: () => promise, catch: (error) => error as Error })
    this.begun = waiting(first.promise)
    this.ended = Effect.map(waiting(end), () => this.words)
    this.leave = Effect.sync(() => controller.abort())
  }

  get taskId(): string {
    const [first] = this.events
    return first?.payload?.$case === "task" ? first.payload.value.id : ""
  }

  until(done: (words: ReadonlyArray<string>) => boolean): Effect.Effect<ReadonlyArray<string>> {
    return eventually(
      Effect.sync(() => this.words),
      done
    )
  }
}

const follow = (events: (signal: AbortSignal) => Events): Effect.Effect<Follower, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const follower = new Follower(events)
    yield* Effect.addFinalizer(() => follower.leave)
    yield* follower.begun
    return follower
  })
