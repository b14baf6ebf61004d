/** `burgeon/tensor`: numbers: tensors, ops, devices, parameters, plans, files. */
export * from '@burgeon/tensor'
