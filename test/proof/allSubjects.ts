/** Every subject: what the files below `subjects` export under that name, by file. */
import { globSync } from "node:fs"
import type { Subject } from "./Subject.ts"

export interface Listed extends Subject {
  /** "fibers/nursery". */
  readonly file: string
}

const folder = `${import.meta.dirname}/subjects`

export const allSubjects: ReadonlyArray<Listed> = (
  await Promise.all(
    globSync("**/*.ts", { cwd: folder })
      .toSorted()
      .map(async (path) => {
        const { subjects } = (await import(`${folder}/${path}`)) as { readonly subjects?: ReadonlyArray<Subject> }
        return (subjects ?? []).map((subject) => ({ ...subject, file: path.slice(0, -".ts".length) }))
      })
  )
).flat()

/** `SOAK=10` makes ten times as many runs. */
export const soak = Math.max(1, Math.floor(Number(process.env["SOAK"] ?? 1)))

/**
 * Down the tree the fibers of the owners carry an interrupt: where these are made to pause, a step of somebody below may
 * come before it.
 */
export const late = "work-after-cancel"
