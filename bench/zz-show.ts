import { defaultStream } from 'burgeon/life'
const d = await defaultStream({ root: '.', bytesPerDomain: 250000, heldOutBytes: 8000 })
for (const x of d)
  console.log('=====', x.name, x.train.length, '\n' + new TextDecoder().decode(x.train.subarray(0, 2500)))
