// The default method of isojoule.normalization, as corrected.py, intervals.py and user_system.py have it: references go
// in, one system's energy on the target comes out, with its interval. tests/browser compares every answer with Python's.
const Normalization = (() => {
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  const mean = (list) => sum(list) / list.length;
  const rootMeanSquare = (list) => Math.sqrt(mean(list.map((x) => x * x)));
  const dot = (a, b) => sum(a.map((x, i) => x * b[i]));
  const without = (list, place) => list.filter((_, i) => i !== place);
  const deviation = (list) => { const m = mean(list); return Math.sqrt(mean(list.map((x) => (x - m) ** 2))); };
  const median = (list) => quantile(list, 0.5);
  const placeOfSmallest = (list) => list.indexOf(Math.min(...list));
  const placeOfLargest = (list) => list.indexOf(Math.max(...list));

  function quantile(list, share) {
    const sorted = [...list].sort((a, b) => a - b);
    const place = share * (sorted.length - 1), low = Math.floor(place), high = Math.ceil(place);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
  }

  // Solves a system of linear equations by Gauss and Jordan's method with pivots. No matrix here has more rows than
  // there are references.
  function solve(matrix, right) {
    const size = matrix.length, rows = matrix.map((row, i) => [...row, ...right[i]]);
    for (let k = 0; k < size; k++) {
      const pivot = k + placeOfLargest(rows.slice(k).map((row) => Math.abs(row[k])));
      [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
      rows[k] = rows[k].map((x) => x / rows[k][k]);
      for (let i = 0; i < size; i++) {
        if (i !== k && rows[i][k] !== 0) {
          const factor = rows[i][k];
          rows[i] = rows[i].map((x, j) => x - factor * rows[k][j]);
        }
      }
    }
    return rows.map((row) => row.slice(size));
  }
  const identity = (size) => Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => +(i === j)));

  // A set of references is {rows: [[energy, ...further columns]], kwh: [energy on the target]}. A predictor takes a set
  // and systems as rows, and returns the energies of the systems on the target in kWh.
  function meanRatio({ rows, kwh }, systems) {
    const ratio = Math.exp(mean(rows.map((row, i) => Math.log(kwh[i] / row[0]))));
    return systems.map((row) => ratio * row[0]);
  }

  function line({ rows, kwh }, systems, { lowest_share_of_ratio: lowestShare }) {
    const source = rows.map((row) => row[0]);
    const low = placeOfSmallest(source), high = placeOfLargest(source);
    const slope = (kwh[high] - kwh[low]) / (source[high] - source[low]);
    const lowestRatio = Math.min(...rows.map((row, i) => kwh[i] / row[0]));
    return systems.map((row) => Math.max(kwh[low] + slope * (row[0] - source[low]), lowestShare * lowestRatio * row[0]));
  }

  // The relative ridge of relative.py, which has the equations.
  function ridge({ rows, kwh }, systems, { ridge: weight, lowest_share_of_ratio: lowestShare }) {
    const sourcePerTarget = rows.map((row, i) => row[0] / kwh[i]);
    const ratio = sum(sourcePerTarget) / sum(sourcePerTarget.map((x) => x * x));
    const relativeColumns = rows.map((row, i) => [1, ...row].map((x) => x / kwh[i]));
    const scale = relativeColumns[0].map((_, j) => rootMeanSquare(relativeColumns.map((row) => row[j])));
    const design = relativeColumns.map((row) => row.map((x, j) => x / scale[j]));
    const unexplained = sourcePerTarget.map((x) => 1 - ratio * x);
    const column = (j) => design.map((row) => row[j]);
    const gram = scale.map((_, i) => scale.map((_, j) => dot(column(i), column(j)) + (i === j ? weight * rows.length : 0)));
    const coefficients = solve(gram, scale.map((_, i) => [dot(column(i), unexplained)])).map(([x]) => x);
    return systems.map((row) => {
      const byRatio = ratio * row[0];
      return Math.max(byRatio + dot([1, ...row].map((x, j) => x / scale[j]), coefficients), lowestShare * byRatio);
    });
  }

  // Standardized logarithms of the references, then of the systems, as features() in corrected.py.
  function features(references, systems) {
    const columns = (row) => {
      const [energy, ...others] = row.map(Math.log);
      if (others.length !== 3) return [energy, ...others.map((x) => x - energy)];
      const [duration, flops, params] = others;
      return [energy, energy - duration, flops - energy, flops - params];
    };
    const all = [...references, ...systems].map(columns);
    const ofReferences = (j) => all.slice(0, references.length).map((row) => row[j]);
    all[0].forEach((_, j) => {
      const low = quantile(ofReferences(j), 0.25), high = quantile(ofReferences(j), 0.75), fence = 1.5 * (high - low);
      all.forEach((row) => { row[j] = Math.min(Math.max(row[j], low - fence), high + fence); });
      const center = mean(ofReferences(j)), spread = deviation(ofReferences(j));
      all.forEach((row) => { row[j] = spread > 1e-9 ? (row[j] - center) / spread : 0; });
    });
    return all;
  }

  // Averages all choices of Corrected in corrected.py, which has the equations: predictions in kWh, and log errors of
  // the references between the ends when each is left out.
  function corrected(set, systems, constants) {
    const { rows, kwh } = set, count = rows.length;
    const predictors = [meanRatio, line, ridge];
    const logSimple = predictors.map((predict) => predict(set, [...rows, ...systems], constants).map(Math.log));
    const logSimpleWithout = predictors.map((predict) => rows.map((_, i) =>
      predict({ rows: without(rows, i), kwh: without(kwh, i) }, rows, constants).map(Math.log)));
    const described = features(rows, systems);
    const logTarget = kwh.map(Math.log);
    const byEnergy = rows.map((row, i) => [row[0], i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const betweenEnds = byEnergy.slice(1, -1).map(([, i]) => i);
    const covariances = constants.kernels.map(([length, amplitude]) => described.map((a) => described.slice(0, count).map((b) => {
      const squaredDistance = mean(a.map((x, j) => (x - b[j]) ** 2));
      return 1 + mean(a.map((x, j) => x * b[j])) + amplitude * Math.exp(-squaredDistance / (2 * length ** 2));
    })));
    const inverses = covariances.map((covariance) => constants.noises.map((noise) =>
      solve(covariance.slice(0, count).map((row, i) => row.map((x, j) => x + (i === j ? noise : 0))), identity(count))));
    const choices = [];
    for (const { shares, prior } of constants.baselines) {
      const mixed = (parts) => sum(shares.map((share, i) => share * parts[i]));
      const baseline = logSimple[0].map((_, s) => mixed(logSimple.map((values) => values[s])));
      const residuals = logTarget.map((value, j) => value - baseline[j]);
      const residualsWithout = rows.map((_, i) =>
        logTarget.map((value, j) => value - mixed(logSimpleWithout.map((values) => values[i][j]))));
      const addChoice = (errors, logPredictions) => {
        const spread = Math.sqrt(mean(betweenEnds.map((i) => errors[i] ** 2)) + constants.least_error ** 2);
        choices.push({ errors, logPredictions, logWeight: Math.log(prior) - 0.5 * betweenEnds.length * Math.log(spread) });
      };
      addChoice(residualsWithout.map((row, i) => row[i]), baseline.slice(count));
      covariances.forEach((covariance, h) => inverses[h].forEach((inverse) => {
        const weights = inverse.map((row) => dot(row, residuals));
        addChoice(inverse.map((row, i) => dot(row, residualsWithout[i]) / row[i]),
          baseline.slice(count).map((value, s) => value + dot(covariance[count + s], weights)));
      }));
    }
    const largest = Math.max(...choices.map(({ logWeight }) => logWeight));
    const weights = choices.map(({ logWeight }) => Math.exp(logWeight - largest)), total = sum(weights);
    const average = (field, place) => sum(choices.map((choice, i) => weights[i] * choice[field][place])) / total;
    return {
      kwh: systems.map((_, s) => Math.exp(average("logPredictions", s))),
      errors: betweenEnds.map((i) => average("errors", i)),
    };
  }

  const predict = (set, systems, constants) =>
    set.rows.length < constants.fewest_to_correct ? line(set, systems, constants) : corrected(set, systems, constants).kwh;
  const leftOutErrors = (set, constants) => corrected(set, [], constants).errors;
  const spreadOf = (set, constants) =>
    set.rows.length < constants.fewest_to_correct ? 1 : Math.hypot(rootMeanSquare(leftOutErrors(set, constants)), constants.repeat_spread);

  function halfWidth(errors, constants) {
    const count = errors.length, rank = Math.ceil((count + 1) * constants.coverage);
    if (rank <= count) return [errors.map(Math.abs).sort((a, b) => a - b)[rank - 1], "conformal"];
    const spread = Math.sqrt(mean(errors.map((x) => x * x)) * (1 + 1 / count));
    return [constants.student_quantiles[count - 1] * spread, "Student's t"];
  }
  // The largest of pairs of a half width and its basis, as Python orders tuples.
  const widest = (pairs) => pairs.reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] > a[1]) ? b : a));

  // The systems of the study on a GPU, by name; what the study does not know of a system is null.
  const COLUMNS = ["energy_kwh", "duration_s", "flops", "params"];
  function systemsOn(study, phase, gpu) {
    const systems = new Map(Object.entries(study.phases[phase]?.[gpu]?.systems ?? {}));
    return new Map([...systems].map(([name, [energy_kwh, duration_s]]) => {
      const [flops, params] = study.described[name];
      return [name, { energy_kwh, duration_s, flops, params }];
    }));
  }
  const isPositive = (value) => Number.isFinite(value) && value > 0;
  const isComplete = (systems, column) => systems.every((system) => isPositive(system[column]));
  const rowsOf = (systems, columns) => systems.map((system) => columns.map((column) => system[column]));
  const countDifferent = (rows) => (new Set(rows.map((row) => row[0])).size === 1 ? 1 : new Set(rows.map(String)).size);

  // Errors of the same references on another GPU of the study, in units of their spread; null where they cannot be told.
  function errorsOn(study, phase, gpu, onTarget, names, columns) {
    const onGpu = systemsOn(study, phase, gpu), constants = study.constants;
    const both = [...onGpu.keys()].filter((name) => onTarget.has(name));
    if (!names.every((name) => both.includes(name)) || both.length === names.length) return null;
    const usable = columns.filter((column) => isComplete(both.map((name) => onGpu.get(name)), column));
    if (String(usable) !== String(columns)) return null;
    const references = names.map((name) => onGpu.get(name));
    const set = { rows: rowsOf(references, columns), kwh: names.map((name) => onTarget.get(name).energy_kwh) };
    if (countDifferent(set.rows) < 2) return null;
    const others = both.filter((name) => !names.includes(name));
    const kwh = predict(set, rowsOf(others.map((name) => onGpu.get(name)), columns), constants);
    const spread = spreadOf(set, constants);
    return others.map((name, i) => Math.log(onTarget.get(name).energy_kwh / kwh[i]) / spread);
  }

  // Half the width of the interval as a logarithm, or null where nothing tells it, and what it rests on.
  function interval(study, phase, target, set, names, columns) {
    const constants = study.constants, candidates = [], onTarget = systemsOn(study, phase, target);
    const otherGpus = Object.keys(study.phases[phase]).filter((name) => name !== target);
    const errorsByGpu = otherGpus.map((gpu) => errorsOn(study, phase, gpu, onTarget, names, columns)).filter(Boolean);
    const count = sum(errorsByGpu.map((errors) => errors.length));
    if (count >= constants.fewest_errors) {
      const groups = errorsByGpu.length < constants.enough_gpus ? errorsByGpu : [errorsByGpu.flat()];
      const [half, statistic] = widest(groups.map((errors) => halfWidth(errors, constants)));
      candidates.push([half * spreadOf(set, constants), `${statistic}, ${count} errors of the same references on the study's other GPUs`]);
    }
    if (names.length >= constants.fewest_to_correct && errorsByGpu.length < 2) {
      const [half, statistic] = halfWidth(leftOutErrors(set, constants), constants);
      candidates.push([half, `${statistic}, ${names.length - 2} references between the ends left out one by one`]);
    }
    return candidates.length ? widest(candidates) : [null, "none: fewer than 4 references, and too few systems on the study's other GPUs"];
  }

  // Writes a number as Python does with .3g.
  function figures(value) {
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(2).split("e");
    const exponent = Number(power), trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent >= -4 && exponent < 3) return trimmed(Number(`${mantissa}e${power}`).toFixed(Math.max(2 - exponent, 0)));
    return `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }

  function warningsOf(study, onOwnGpu, onTarget, ownSystem, columns, names, kinds, half) {
    const warnings = [], factor = study.constants.plausible_factor;
    const ratios = onOwnGpu.map((system, i) => system.energy_kwh / onTarget[i].energy_kwh), middle = median(ratios);
    if (!(middle > 1 / factor && middle < factor)) {
      warnings.push(`units: the references take ${figures(middle)} times as much energy on your GPU as on the target; are your energies in kWh?`);
    }
    names.forEach((name, i) => {
      if (!(ratios[i] / middle > 1 / factor && ratios[i] / middle < factor)) {
        warnings.push(`units: ${name} takes ${figures(ratios[i])} times as much energy on your GPU, the others about ${figures(middle)}`);
      }
    });
    for (const column of COLUMNS.filter((name) => ownSystem[name] != null && !columns.includes(name))) {
      warnings.push(`not used: ${column}, which is not known of all references`);
    }
    for (const column of columns) {
      const values = onOwnGpu.map((system) => system[column]), low = Math.min(...values), high = Math.max(...values);
      if (!(low <= ownSystem[column] && ownSystem[column] <= high)) {
        warnings.push(`extrapolation: ${column} of your system is ${figures(ownSystem[column])}, the references span ${figures(low)} to ${figures(high)}`);
      }
    }
    if (names.length < study.constants.fewest_to_correct) {
      warnings.push(`few references: ${names.length} fix a line and leave none to check it with; measure 4 or more`);
    }
    if (half === null) warnings.push("no interval: nothing here tells how wrong the estimate may be");
    if (String(kinds) !== "measured") warnings.push(`kind: the study's energies on the target are ${kinds.join(" and ")}`);
    return warnings;
  }

  function check(target, references, systems) {
    const absent = references.find(({ name }) => !systems.has(name));
    if (absent) throw new Error(`references: found ${absent.name}, which was not measured on ${target}`);
    if (references.length < 2) throw new Error(`references: found ${references.length}, expected at least 2`);
  }

  function checkNumbers(name, system) {
    for (const column of COLUMNS) {
      if (system[column] != null && !isPositive(system[column])) {
        throw new Error(`${column} of ${name}: found ${system[column]}, expected a number above 0`);
      }
    }
  }

  // Normalizes a reader's system to a GPU of the study. references: [{name, energy_kwh, duration_s or null}] on the
  // reader's GPU; ownSystem: {energy_kwh, duration_s, flops, params}, null where unknown.
  function normalize(study, target, phase, references, ownSystem) {
    const systems = systemsOn(study, phase, target);
    check(target, references, systems);
    const isTimed = references.every(({ duration_s }) => duration_s != null);
    const onTarget = references.map(({ name }) => systems.get(name));
    const onOwnGpu = references.map(({ energy_kwh, duration_s }, i) =>
      ({ ...onTarget[i], energy_kwh, duration_s: isTimed ? duration_s : null }));
    const names = references.map(({ name }) => name);
    names.forEach((name, i) => checkNumbers(name, { energy_kwh: onOwnGpu[i].energy_kwh, duration_s: onOwnGpu[i].duration_s }));
    checkNumbers("the system", ownSystem);
    const columns = COLUMNS.filter((column) => ownSystem[column] != null && isComplete(onOwnGpu, column));
    const set = { rows: rowsOf(onOwnGpu, columns), kwh: onTarget.map((system) => system.energy_kwh) };
    if (countDifferent(set.rows) < 2) {
      throw new Error(`references: found energies that are all ${set.rows[0][0]} kWh, expected at least 2 different ones`);
    }
    const [energy_kwh] = predict(set, rowsOf([ownSystem], columns), study.constants);
    const [half, basis] = interval(study, phase, target, set, names, columns);
    const kinds = study.phases[phase][target].kinds;
    return {
      target, phase, energy_kwh,
      low_kwh: half === null ? null : energy_kwh / Math.exp(half),
      high_kwh: half === null ? null : energy_kwh * Math.exp(half),
      coverage: study.constants.coverage,
      method: names.length < study.constants.fewest_to_correct
        ? "line through the references of lowest and highest energy"
        : `corrected: two-point line and relative ridge, corrected on ${columns.join(", ")}`,
      interval: basis,
      references: names,
      warnings: warningsOf(study, onOwnGpu, onTarget, ownSystem, columns, names, kinds, half),
    };
  }

  return { normalize, figures };
})();
