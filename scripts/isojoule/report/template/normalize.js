// The default method of isojoule.normalization, as shared.py, intervals.py and user_system.py have it: references go in,
// one system's energy on the target comes out, with its interval. tests/browser compares every answer with Python's.
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

  // Logarithms of energy, power, FLOPs per joule and FLOPs per parameter, as described() in corrected.py.
  const described = (rows) => rows.map((row) => {
    const [energy, ...others] = row.map(Math.log);
    if (others.length !== 3) return [energy, ...others.map((x) => x - energy)];
    const [duration, flops, params] = others;
    return [energy, energy - duration, flops - energy, flops - params];
  });
  const columnsOf = (rows) => rows[0].map((_, j) => rows.map((row) => row[j]));
  const centerOf = (rows) => columnsOf(rows).map(mean);
  const fencesOf = (rows) => columnsOf(rows).map((column) => {
    const low = quantile(column, 0.25), high = quantile(column, 0.75), fence = 1.5 * (high - low);
    return [low - fence, high + fence];
  });
  const clipped = (row, fences) => row.map((x, j) => Math.min(Math.max(x, fences[j][0]), fences[j][1]));

  // Standardized logarithms of the references, then of the systems, as features() in corrected.py.
  function features(references, systems) {
    const fences = fencesOf(described(references));
    const all = described([...references, ...systems]).map((row) => clipped(row, fences));
    const ofReferences = all.slice(0, references.length), center = centerOf(ofReferences);
    const spreads = columnsOf(ofReferences).map(deviation);
    return all.map((row) => row.map((x, j) => (spreads[j] > 1e-9 ? (x - center[j]) / spreads[j] : 0)));
  }

  // Averages all choices of Corrected in corrected.py, which has the equations: predictions in kWh, and log errors of
  // the references between the ends when each is left out.
  function corrected(set, systems, constants) {
    const { rows, kwh } = set, count = rows.length;
    const predictors = [meanRatio, line, ridge];
    const logSimple = predictors.map((predict) => predict(set, [...rows, ...systems], constants).map(Math.log));
    const logSimpleWithout = predictors.map((predict) => rows.map((_, i) =>
      predict({ rows: without(rows, i), kwh: without(kwh, i) }, rows, constants).map(Math.log)));
    const standardized = features(rows, systems);
    const logTarget = kwh.map(Math.log);
    const byEnergy = rows.map((row, i) => [row[0], i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const betweenEnds = byEnergy.slice(1, -1).map(([, i]) => i);
    const covariances = constants.kernels.map(([length, amplitude]) => standardized.map((a) => standardized.slice(0, count).map((b) => {
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

  const orCorrected = (set, systems, constants) =>
    set.rows.length < constants.fewest_to_correct ? line(set, systems, constants) : corrected(set, systems, constants).kwh;

  // Solves a positive definite system for several right sides by Cholesky's factors; its matrix may have hundreds of rows.
  function solveDefinite(matrix, rights) {
    const size = matrix.length, factor = matrix.map((row) => Float64Array.from(row));
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let value = factor[i][j];
        for (let k = 0; k < j; k++) value -= factor[i][k] * factor[j][k];
        factor[i][j] = i === j ? Math.sqrt(value) : value / factor[j][j];
      }
    }
    return rights.map((right) => {
      const solved = Float64Array.from(right);
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < i; k++) solved[i] -= factor[i][k] * solved[k];
        solved[i] /= factor[i][i];
      }
      for (let i = size - 1; i >= 0; i--) {
        for (let k = i + 1; k < size; k++) solved[i] -= factor[k][i] * solved[k];
        solved[i] /= factor[i][i];
      }
      return solved;
    });
  }

  // The Gaussian process of shared_process.py, which has the equations. Another GPU is {rows of the references,
  // systems: their rows, kwh of these on the target}; what the baseline leaves over is given for the references on the
  // reader's GPU, and for references and systems on each other one.
  function sharedProcess(references, leftOver, others, leftOverOnOthers, parts, { own_share: ownShare, noise, least_scale: leastScale }) {
    const minus = (rows, center) => rows.map((row) => row.map((x, j) => x - center[j]));
    const ofReferences = described(references), center = centerOf(ofReferences);
    const centeredOnOthers = others.map((other) =>
      minus(described([...other.rows, ...other.systems]), centerOf(described(other.rows))));
    const pooled = others.length ? centeredOnOthers.flat() : minus(ofReferences, center);
    const fences = fencesOf(pooled), spreads = columnsOf(pooled).map(deviation);
    const divided = (row) => row.map((x, j) => (spreads[j] > 1e-9 ? x / spreads[j] : 0));
    const standardized = (row) => divided(clipped(row, fences));
    const squaredBeyond = (row) => { const inside = clipped(row, fences); return mean(row.map((x, j) => ((x - inside[j]) / Math.max(spreads[j], leastScale)) ** 2)); };
    const centered = [...minus(ofReferences, center), ...centeredOnOthers.flat()];
    const entries = centered.map(standardized), left = [leftOver, ...leftOverOnOthers].flat();
    const gpu = [references, ...centeredOnOthers].flatMap((rows, g) => rows.map(() => g));
    const part = [references.map(() => -1), ...others.map((other, g) => [...other.rows.map(() => -1), ...parts[g]])].flat();
    const kernel = (a, b, isSameGpu) => {
      let product = 0, squaredDistance = 0;
      for (let j = 0; j < a.length; j++) { product += a[j] * b[j]; squaredDistance += (a[j] - b[j]) ** 2; }
      return (1 + product / a.length + Math.exp(-squaredDistance / (2 * a.length))) * (1 + (isSameGpu ? ownShare : 0));
    };
    const covariance = entries.map((a, i) => entries.map((b, j) => kernel(a, b, gpu[i] === gpu[j])));
    function given(known, covariances, variances, beyond) {
      const matrix = known.map((i) => known.map((j) => covariance[i][j] + (i === j ? noise : 0)));
      const [weights, ...solved] = solveDefinite(matrix, [known.map((i) => left[i]), ...covariances]);
      return covariances.map((row, m) => ({
        mean: dot(row, weights),
        deviation: Math.sqrt(Math.max(variances[m] - dot(row, solved[m]), 0) + noise + beyond[m]),
      }));
    }
    const everything = entries.map((_, i) => i);
    return {
      of(systems) {
        const rows = minus(described(systems), center), asked = rows.map(standardized);
        return given(everything, asked.map((a) => entries.map((b, i) => kernel(a, b, gpu[i] === 0))),
          asked.map((a) => kernel(a, a, true)), rows.map(squaredBeyond));
      },
      ofOther(number) {
        const isAsked = everything.map((i) => gpu[i] === number + 1 && part[i] >= 0), answers = new Map();
        for (const one of new Set(part.filter((_, i) => isAsked[i]))) {
          const asked = everything.filter((i) => isAsked[i] && part[i] === one);
          const known = everything.filter((i) => !isAsked[i] && part[i] !== one);
          given(known, asked.map((i) => known.map((j) => covariance[i][j])), asked.map((i) => covariance[i][i]),
            asked.map((i) => squaredBeyond(centered[i]))).forEach((answer, m) => answers.set(asked[m], answer));
        }
        return everything.filter((i) => isAsked[i]).map((i) => answers.get(i));
      },
    };
  }

  // Numbers of the parts in which systems are left out, as parts() in shared_process.py.
  function partsOf(others, count) {
    const places = new Map([...new Set(others.flatMap((other) => other.kwh))].sort((a, b) => a - b).map((kwh, i) => [kwh, i]));
    return others.map((other) => other.kwh.map((kwh) => places.get(kwh) % count));
  }

  // The systems of other GPUs that are learned from, as _thinned() in shared.py.
  function thinned(others, constants) {
    return others.map(({ rows, systems, kwh }) => {
      const most = Math.max(constants.fewest_systems, Math.floor(constants.most_systems / others.length) - rows.length);
      const order = kwh.map((_, i) => i).sort((a, b) => kwh[a] - kwh[b] || a - b), count = Math.min(most, order.length);
      const kept = Array.from({ length: count }, (_, i) => order[roundHalfToEven(i * ((order.length - 1) / (count - 1)))]);
      return { rows, systems: kept.map((i) => systems[i]), kwh: kept.map((i) => kwh[i]) };
    });
  }
  const roundHalfToEven = (x) => { const low = Math.floor(x); return x - low === 0.5 ? low + (low % 2) : Math.round(x); };

  const logBaseline = (set, systems, constants) => {
    const [byLine, byRidge] = [line, ridge].map((predictor) => predictor(set, systems, constants).map(Math.log));
    return byLine.map((value, i) => (value + byRidge[i]) / 2);
  };

  function own(set, systems, constants) {
    const baseline = logBaseline(set, set.rows, constants), leftOver = set.kwh.map((kwh, i) => Math.log(kwh) - baseline[i]);
    const expected = sharedProcess(set.rows, leftOver, [], [], [], constants).of(systems);
    return logBaseline(set, systems, constants).map((value, i) =>
      ({ log: value + expected[i].mean, deviation: expected[i].deviation }));
  }

  // The predictions of the shared process for the reader's systems, then for those of each other GPU.
  function shared(set, systems, others, constants) {
    const count = set.rows.length, logKwh = set.kwh.map(Math.log);
    const setsOfOthers = others.map((other) => ({ rows: other.rows, kwh: set.kwh }));
    const baseline = logBaseline(set, [...set.rows, ...systems], constants);
    const baselines = others.map((other, g) => logBaseline(setsOfOthers[g], [...other.rows, ...other.systems], constants));
    const process = sharedProcess(set.rows, logKwh.map((value, i) => value - baseline[i]), others,
      others.map((other, g) => [...logKwh, ...other.kwh.map(Math.log)].map((value, i) => value - baselines[g][i])),
      partsOf(others, constants.parts), constants);
    const added = (values, expected) => expected.map((one, i) => ({ log: values[count + i] + one.mean, deviation: one.deviation }));
    return [added(baseline, process.of(systems)), ...others.map((_, g) => added(baselines[g], process.ofOther(g)))];
  }

  // The prediction of the default method for systems, with errors in deviations where the truth is known, and weights.
  function evidenced(set, systems, allOthers, constants) {
    if (!allOthers.length) {
      const isTested = set.rows.length >= constants.fewest_to_correct;
      const byEnergy = set.rows.map((row, i) => [row[0], i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      const leftOut = isTested ? byEnergy.slice(1, -1).map(([, i]) => i) : [];
      const deviations = leftOut.map((i) =>
        own({ rows: without(set.rows, i), kwh: without(set.kwh, i) }, [set.rows[i]], constants)[0].deviation);
      const log = orCorrected(set, systems, constants).map(Math.log);
      return {
        predictions: own(set, systems, constants).map(({ deviation }, i) => ({ log: log[i], deviation })),
        errors: isTested ? corrected(set, [], constants).errors.map((error, i) => error / deviations[i]) : [],
        gpus: 0, weights: [], spreadRatio: 0,
      };
    }
    const others = thinned(allOthers, constants);
    const tasks = [[set, systems], ...others.map((other) => [{ rows: other.rows, kwh: set.kwh }, other.systems])];
    const byPredictor = (predictor) => tasks.map(([known, asked]) => predictor(known, asked, constants).map(Math.log));
    const ownPredictions = tasks.map(([known, asked]) => own(known, asked, constants));
    const logsOf = (predictions) => predictions.map((ofGpu) => ofGpu.map(({ log }) => log));
    const simple = [["line", byPredictor(line)], ["own", logsOf(ownPredictions)]];
    let expected = ownPredictions;
    if (others.length < constants.fewest_gpus_to_share) {
      simple.push(["corrected", byPredictor(orCorrected)]);
    } else {
      expected = shared(set, systems, others, constants);
      simple.push(["ridge", byPredictor(ridge)], ["shared", logsOf(expected)]);
    }
    const truths = others.map((other) => other.kwh.map(Math.log));
    const logWeights = simple.map(([, logs]) => -sum(truths.map((truth, g) =>
      Math.log(mean(truth.map((value, i) => (value - logs[g + 1][i]) ** 2)) + constants.least_error ** 2))));
    const largest = Math.max(...logWeights), raw = logWeights.map((value) => Math.exp(value - largest)), total = sum(raw);
    const weights = raw.map((value) => value / total);
    const averages = tasks.map(([, asked], g) => asked.map((_, i) => sum(weights.map((weight, n) => weight * simple[n][1][g][i]))));
    const [ofRatios, ...onOthers] = tasks.map(([{ rows }]) => deviation(rows.map((row, i) => Math.log(set.kwh[i] / row[0]))));
    return {
      predictions: averages[0].map((log, i) => ({ log, deviation: expected[0][i].deviation })),
      errors: truths.flatMap((truth, g) => truth.map((value, i) => (value - averages[g + 1][i]) / expected[g + 1][i].deviation)),
      gpus: others.length, weights: simple.map(([name], i) => [name, weights[i]]),
      spreadRatio: ofRatios / Math.max(...onOthers, constants.least_error),
    };
  }

  function halfWidth(errors, constants) {
    const count = errors.length, rank = Math.ceil((count + 1) * constants.coverage);
    if (rank <= count) return [errors.map(Math.abs).sort((a, b) => a - b)[rank - 1], "conformal"];
    const spread = Math.sqrt(mean(errors.map((x) => x * x)) * (1 + 1 / count));
    return [constants.student_quantiles[count - 1] * spread, "Student's t"];
  }

  // Half the width of the interval in deviations, or null where nothing tells it, and what it rests on, as
  // half_widths() in intervals.py.
  const isUnlike = ({ spreadRatio }, constants) => spreadRatio > constants.unlike;
  function interval(evidence, constants) {
    const { errors, gpus } = evidence;
    if (gpus) {
      const [half, statistic] = halfWidth(errors, constants), phrase = gpus === 1 ? "another GPU" : `${gpus} other GPUs`;
      const isUnlikeAll = isUnlike(evidence, constants), isLess = evidence.spreadRatio < 1;
      const ofOne = (1 + 1 / constants.fewest_others) * (isUnlikeAll || isLess ? Math.sqrt(Math.max(evidence.spreadRatio, constants.least_spread_ratio)) : 1);
      const factor = gpus === 1 ? ofOne : isUnlikeAll ? evidence.spreadRatio : 1 + 1 / gpus;
      return [half * factor,
        `${statistic}, ${errors.length} errors of the same references on ${phrase} of the study`];
    }
    if (!errors.length) return [null, "none: fewer than 4 references, and no other GPU of the study has them and 5 systems more"];
    const count = errors.length + constants.prior_errors;
    const meanSquare = (sum(errors.map((x) => x * x)) + constants.prior_errors * constants.prior_error ** 2) / count;
    return [constants.student_quantiles[count - 1] * Math.sqrt(meanSquare * (1 + 1 / count)),
      `Student's t, ${errors.length} references between the ends left out one by one`];
  }

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

  // The study's other GPUs that can stand beside the reader's, as others_beside() in other_gpus.py.
  function othersBeside(study, phase, target, names, columns) {
    const onTarget = systemsOn(study, phase, target);
    return Object.keys(study.phases[phase]).filter((gpu) => gpu !== target).flatMap((gpu) => {
      const onGpu = systemsOn(study, phase, gpu);
      const known = [...onGpu.keys()].filter((name) => onTarget.has(name) && columns.every((column) => isPositive(onGpu.get(name)[column])));
      const further = known.filter((name) => !names.includes(name));
      if (!names.every((name) => known.includes(name)) || further.length < study.constants.parts) return [];
      const rows = rowsOf(names.map((name) => onGpu.get(name)), columns);
      if (new Set(rows.map((row) => row[0])).size === 1) return [];
      return [{ rows, systems: rowsOf(further.map((name) => onGpu.get(name)), columns), kwh: further.map((name) => onTarget.get(name).energy_kwh) }];
    });
  }

  // Writes a number as Python does with .3g.
  function figures(value) {
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(2).split("e");
    const exponent = Number(power), trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent >= -4 && exponent < 3) return trimmed(Number(`${mantissa}e${power}`).toFixed(Math.max(2 - exponent, 0)));
    return `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }

  function warningsOf(study, onOwnGpu, onTarget, ownSystem, columns, names, kinds, half, evidence) {
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
    if (isUnlike(evidence, study.constants)) {
      const span = [placeOfSmallest(ratios), placeOfLargest(ratios)].map((i) => `${figures(ratios[i])} (${names[i]})`).join(" to ");
      warnings.push("agreement: the references disagree on how your GPU compares with the target, "
        + `${figures(evidence.spreadRatio)} times as much as on any other GPU of the study, and the interval is wider for it; `
        + `their energies on your GPU are ${span} times those on the target; are values mixed up?`);
    }
    if (half === null) warnings.push("no interval: nothing here tells how wrong the estimate may be");
    if (String(kinds) !== "measured") warnings.push(`kind: the study's energies are ${kinds.join(" and ")}`);
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

  function methodInWords({ gpus, weights }, columns, count, constants) {
    if (gpus) {
      const shares = weights.map(([name, weight]) => `${name} ${roundHalfToEven(100 * weight)} %`).join(", ");
      return `shared: ${shares}, weighed on ${gpus} other GPU${gpus > 1 ? "s" : ""} by ${columns.join(", ")}`;
    }
    if (count < constants.fewest_to_correct) return "line through the references of lowest and highest energy";
    return `corrected: two-point line and relative ridge, corrected on ${columns.join(", ")}`;
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
    const evidence = evidenced(set, rowsOf([ownSystem], columns), othersBeside(study, phase, target, names, columns), study.constants);
    const [{ log, deviation }] = evidence.predictions, energy_kwh = Math.exp(log);
    const [halfInDeviations, basis] = interval(evidence, study.constants);
    const half = halfInDeviations === null ? null : Math.min(Math.max(halfInDeviations * deviation, study.constants.least_half_width), study.constants.most_half_width);
    const kinds = study.phases[phase][target].kinds;
    return {
      target, phase, energy_kwh, energy_kind: kinds.includes("simulated") ? "simulated" : "estimated",
      low_kwh: half === null ? null : energy_kwh / Math.exp(half),
      high_kwh: half === null ? null : energy_kwh * Math.exp(half),
      coverage: study.constants.coverage,
      method: methodInWords(evidence, columns, names.length, study.constants),
      interval: basis,
      references: names,
      warnings: warningsOf(study, onOwnGpu, onTarget, ownSystem, columns, names, kinds, half, evidence),
    };
  }

  return { normalize, figures };
})();
