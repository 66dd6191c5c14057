// What the application decides about bids: it has the prices.
const least = { violin: 100, cello: 500 };

exports.decide = ({ lot, amount } = {}) => {
  if (!least[lot]) return { status: 404, result: { message: 'no such lot' } };
  if (!(amount >= least[lot])) return { status: 422, result: { message: 'too low' } };
  return { status: 200, result: { lot, amount } };
};
