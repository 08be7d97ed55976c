import type { RequestServer } from "../Contestant.ts"
import { fastify } from "./fastify.ts"
import { hand } from "./hand.ts"
import { hono } from "./hono.ts"
import { httpApi } from "./httpApi.ts"
import { httpRouter } from "./httpRouter.ts"
import { rescind } from "./rescind.ts"

export const requestServers: { readonly [name: string]: () => Promise<RequestServer> } = {
  rescind,
  "http-api": httpApi,
  "http-router": httpRouter,
  hand,
  fastify,
  hono
}
