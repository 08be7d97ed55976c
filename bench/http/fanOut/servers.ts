import type { FanOutServer } from "../Contestant.ts"
import { betterSse } from "./betterSse.ts"
import { hand } from "./hand.ts"
import { hono } from "./hono.ts"
import { pubSub } from "./pubSub.ts"
import { rescind } from "./rescind.ts"

export const fanOutServers: { readonly [name: string]: () => Promise<FanOutServer> } = {
  rescind,
  hand,
  "better-sse": betterSse,
  hono,
  pubsub: pubSub
}
