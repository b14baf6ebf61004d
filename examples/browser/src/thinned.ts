import type { Point } from './protocol.ts'

/** Most points that are kept: as many as a picture can show. */
const maxPoints = 2000

/** The course with every second point left out if it has become long; growths stay. */
export function thinned(course: readonly Point[]): Point[] {
  return course.length <= maxPoints
    ? [...course]
    : course.filter(({ growth }, i) => growth !== null || i % 2 === 0)
}
