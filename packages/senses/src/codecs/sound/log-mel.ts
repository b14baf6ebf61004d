/** How loud each pitch is in each hundredth of a second. */

/** Samples of a window: 25 ms at 8,000 per second. */
const window = 200
/** Samples from one window to the next: 10 ms. */
export const hop = 80
/** Bands of pitch. */
export const mels = 40

/**
 * The log-mel spectrogram of Whisper's front end (Radford et al. 2023, section 2.2; OpenAI's `audio.py`) at
 * half its rate: power of the Fourier transform under a periodic Hann window, in 40 bands that are equally
 * spaced on Slaney's scale and of equal area; log₁₀, at least 10⁻¹⁰, and not more than 8 below the loudest;
 * (x + 4)/4. Unlike there, no sample is made up before the beginning or behind the end: n samples have
 * ⌊(n − 200)/80⌋ + 1 frames, none where n < 200.
 *
 * @param samples 8,000 per second, from −1 to 1.
 * @returns `[frames, 40]`.
 */
export function logMel(samples: Float32Array): Float32Array {
  const frames = samples.length < window ? 0 : Math.floor((samples.length - window) / hop) + 1
  const result = new Float32Array(frames * mels)
  const power = new Float64Array(bins)
  let loudest = -Infinity
  for (let frame = 0; frame < frames; frame++) {
    powerSpectrum(samples, frame * hop, power)
    for (let band = 0; band < mels; band++) {
      const { from, weights } = bands[band]
      let sum = 0
      for (let i = 0; i < weights.length; i++) sum += weights[i] * power[from + i]
      const log = Math.log10(Math.max(sum, 1e-10))
      loudest = Math.max(loudest, log)
      result[frame * mels + band] = log
    }
  }
  return result.map((log) => (Math.max(log, loudest - 8) + 4) / 4)
}

const rate = 8000
const bins = window / 2 + 1

/** sin² (π·i / 200): periodic, so that it would go on with the next window's first value. */
const hann = Float64Array.from({ length: window }, (_, i) => Math.sin((Math.PI * i) / window) ** 2)
const cosines = Float64Array.from({ length: window }, (_, i) => Math.cos((2 * Math.PI * i) / window))
const sines = Float64Array.from({ length: window }, (_, i) => Math.sin((2 * Math.PI * i) / window))

/** |Σₙ hannₙ·xₙ·e^(−2πi·kn/200)|² for k from 0 to 100, written out: 200 is no power of two. */
function powerSpectrum(samples: Float32Array, start: number, power: Float64Array): void {
  for (let k = 0; k < bins; k++) {
    let [real, imaginary] = [0, 0]
    for (let n = 0, angle = 0; n < window; n++, angle = (angle + k) % window) {
      const x = hann[n] * samples[start + n]
      real += x * cosines[angle]
      imaginary -= x * sines[angle]
    }
    power[k] = real * real + imaginary * imaginary
  }
}

/** Slaney's scale (Auditory Toolbox, 1998): linear up to 1,000 Hz, logarithmic above. */
const [linearPart, breakMel, logStep] = [200 / 3, 15, Math.log(6.4) / 27]
const melOf = (hertz: number): number =>
  hertz < 1000 ? hertz / linearPart : breakMel + Math.log(hertz / 1000) / logStep
const hertzOf = (mel: number): number =>
  mel < breakMel ? mel * linearPart : 1000 * Math.exp(logStep * (mel - breakMel))

/** Triangles of area 1 per hertz between neighboring pitches, as weights of the bins that they cover. */
const bands: readonly { readonly from: number; readonly weights: readonly number[] }[] = Array.from(
  { length: mels },
  (_, band) => {
    const edge = (i: number): number => hertzOf((melOf(rate / 2) * (band + i)) / (mels + 1))
    const [low, middle, high] = [edge(0), edge(1), edge(2)]
    const all = Array.from({ length: bins }, (__, k) => {
      const hertz = (k * rate) / window
      const height = Math.min((hertz - low) / (middle - low), (high - hertz) / (high - middle))
      return Math.max(0, height) * (2 / (high - low))
    })
    const from = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    )
    return { from, weights: all.slice(from, all.findLastIndex((weight) => weight > 0) + 1) }
  },
)
